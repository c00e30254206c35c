// One request to a model, as the page sends it and as a shell can send it.

import { modelPath } from "/web/api.js";

/** A text for a text task. */
export function textRequest(model, text) {
  const body = JSON.stringify({ inputs: text });
  return { path: modelPath(model), contentType: "application/json", body, source: { text: body } };
}

/** Bytes of a picture that the shell finds in a file. If the user has none yet (`onDisk` false), the page offers it. */
export function fileRequest(model, { blob, name, onDisk }) {
  return { ...bytesRequest(model, blob), source: { file: name, onDisk } };
}

/** Bytes that exist only in the page: the shell line carries them itself. Meant for a few kilobytes. */
export async function inlineRequest(model, blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return { ...bytesRequest(model, blob), source: { base64: btoa(String.fromCharCode(...bytes)) } };
}

function bytesRequest(model, blob) {
  return { path: modelPath(model), contentType: blob.type || "application/octet-stream", body: blob };
}

/**
 * The curl line for exactly this request, in pieces: strings, and `{long}` for a piece too long to show.
 * Joined, they run in any POSIX shell.
 */
export function curl({ path, contentType, source }, origin) {
  const head = `curl ${quoted(origin + path)} \\\n  -H ${quoted(`Content-Type: ${contentType}`)} \\\n  `;
  if (source.text !== undefined) return [`${head}-d ${quoted(source.text)}`];
  if (source.file !== undefined) return [`${head}--data-binary ${quoted(`@${source.file}`)}`];
  return ["echo ", { long: source.base64 }, ` | base64 --decode |\n${head}--data-binary @-`];
}

/** A word of a POSIX shell: as it is where nothing in it is special, else in single quotes. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
