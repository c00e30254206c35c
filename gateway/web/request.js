// One request to a model, as the page sends it and as a shell can send it.

import { modelPath } from "/web/api.js";

const MOST_BYTES = 100_000; // of one word of a command; Linux takes 131,072

/** `inputs` for a model's task, with `more` fields of the body: `parameters`, `stream`. */
export function textRequest(model, inputs, more = {}) {
  return jsonRequest(modelPath(model), { inputs, ...more });
}

/** A conversation so far, for OpenAI's route. */
export function chatRequest(model, messages, more = {}) {
  return jsonRequest("/v1/chat/completions", { model, messages, ...more });
}

/** `piecemeal`: the answer is a stream of events. */
function jsonRequest(path, document) {
  const body = JSON.stringify(document);
  return { path, contentType: "application/json", body, source: { text: body, piecemeal: document.stream === true } };
}

/** Bytes of a file that the shell finds. If the user has none yet (`onDisk` false), the page offers it. */
export function fileRequest(model, file) {
  return { ...bytesRequest(model, file.blob), source: { file: file.name }, unsaved: unsaved(file) };
}

const unsaved = (file) => (file.onDisk ? null : file);

/** The same with parameters, which take JSON. */
export async function fileRequestWith(model, file, parameters) {
  const inputs = await base64Of(file.blob).catch(() => ""); // gone from the disk meanwhile: the gateway says that there is nothing
  const body = JSON.stringify({ inputs, parameters });
  const source = { file: file.name, parameters };
  return { path: modelPath(model), contentType: "application/json", body, source, unsaved: unsaved(file) };
}

/** A form of `files`, `{blob, name}` by their fields, and `fields` that are texts. The type is the browser's own. */
export function formRequest(path, files, fields) {
  const body = new FormData();
  for (const [field, text] of Object.entries(fields)) body.append(field, text);
  for (const [field, { blob, name }] of Object.entries(files)) body.append(field, blob, name);
  const named = Object.fromEntries(Object.entries(files).map(([field, { name }]) => [field, name]));
  return { path, contentType: null, body, files, source: { form: { fields, files: named } } };
}

/** The recording of a `SoundInput`, for OpenAI's route; what is said in it is told while it is heard. */
export function speechRequest(model, file, { translated, language }) {
  const path = `/v1/audio/${translated ? "translations" : "transcriptions"}`;
  const fields = { model, ...(language ? { language } : {}), response_format: "verbose_json", stream: "true" };
  const request = formRequest(path, { file }, fields);
  return { ...request, source: { ...request.source, piecemeal: true }, unsaved: unsaved(file) };
}

/** Bytes that exist only in the page: the shell line carries them itself. Meant for a few kilobytes. */
export async function inlineRequest(model, blob) {
  return { ...bytesRequest(model, blob), source: { base64: await base64Of(blob) } };
}

/** By the browser's own reader: a photograph has too many bytes to be arguments of a function. */
function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

function bytesRequest(model, blob) {
  return { path: modelPath(model), contentType: blob.type || "application/octet-stream", body: blob };
}

/**
 * The curl line for exactly this request, in pieces: strings, and `{long}` for a piece too long to show.
 * Joined, they run in any POSIX shell.
 */
export function curl({ path, contentType, source }, origin) {
  const name = source.piecemeal ? "curl -N" : "curl";
  if (source.form !== undefined) return withForm(name, origin + path, source.form);
  const head = `${name} ${quoted(origin + path)} \\\n  -H ${quoted(`Content-Type: ${contentType}`)} \\\n  `;
  if (source.text !== undefined) return withText(head, source.text);
  if (source.parameters !== undefined) return withParameters(head, source);
  if (source.file !== undefined) return [`${head}--data-binary ${quoted(`@${source.file}`)}`];
  return ["echo ", { long: source.base64 }, ` | base64 --decode |\n${head}--data-binary @-`];
}

/** The JSON is written around the file's base64. */
function withParameters(head, { file, parameters }) {
  const [before, after] = ['{"inputs":"', `","parameters":${JSON.stringify(parameters)}}`].map(quoted);
  const encoded = `base64 < ${quoted(file)} | tr -d '\\n'`;
  return [`{ printf %s ${before}; ${encoded}; printf %s ${after}; } |\n${head}--data-binary @-`];
}

/** curl reads the files, whose names it takes in double quotes, and writes the form. */
function withForm(name, url, { fields, files }) {
  const texts = Object.entries(fields).map(([field, text]) => `--form-string ${quoted(`${field}=${text}`)}`);
  const named = Object.entries(files).map(([field, file]) => `-F ${quoted(`${field}=@"${escaped(file)}"`)}`);
  return [[`${name} ${quoted(url)}`, ...texts, ...named].join(" \\\n  ")];
}

const escaped = (name) => name.replace(/[\\"]/g, "\\$&");

/** A long text goes through a pipe: as a word of the command it would be refused. */
function withText(head, text) {
  if (new TextEncoder().encode(text).length < MOST_BYTES) return [`${head}-d ${quoted(text)}`];
  return ["printf %s ", { long: quoted(text) }, ` |\n${head}--data-binary @-`];
}

/** A word of a POSIX shell: as it is where nothing in it is special, else in single quotes. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
