// The rendered API document: every path of /openapi.json with its parameters, bodies, answers and a curl line.

import { $, el } from "/web/dom.js";
import { boundsOf, examplesOf, fieldsOf, resolve, typeOf } from "/web/schema.js";
import { quoted } from "/web/request.js";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

async function render() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const root = await response.json();
  $("title").textContent = root.info.title;
  $("intro").replaceChildren(...prose(root.info.description));
  $("version").textContent = `version ${root.info.version} · OpenAPI ${root.openapi} · `;
  const operations = operationsOf(root);
  $("contents").replaceChildren(contents(operations));
  $("operations").replaceChildren(...operations.map((operation) => section(operation, root)));
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

/** One entry for each method of each path; parameters of the path are joined to the operation's own. */
function operationsOf(root) {
  return Object.entries(root.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({
      ...item[method],
      path,
      method,
      anchor: `${method}${path.replace(/[^\w.-]+/g, "-").replace(/-$/, "")}`,
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one) => resolve(one, root)),
    })),
  );
}

function contents(operations) {
  const items = operations.map(({ anchor, method, path }) =>
    el("li", {}, el("a", { href: `#${anchor}` }, methodBadge(method), breakable(path))),
  );
  return el("ul", {}, ...items);
}

function section(operation, root) {
  const { anchor, method, path, summary, description, parameters, requestBody, responses = {} } = operation;
  const link = el("a", { href: `#${anchor}`, className: "path" }, breakable(path));
  const heading = el("h2", {}, methodBadge(method), link);
  const card = el("section", { id: anchor, className: "card operation", ariaLabel: `${method} ${path}` }, heading);
  if (summary) card.append(el("p", { className: "summary", textContent: summary }));
  card.append(...prose(description));
  if (parameters.length) card.append(title("Parameters"), fieldTable(parameters.map(parameterField), root));
  if (requestBody) card.append(title("Request body"), ...bodies(resolve(requestBody, root).content ?? {}, root));
  card.append(title("Shell"), code(curlLine(operation, root)));
  if (method === "post" && path.startsWith("/models/")) {
    card.append(el("p", { className: "try" }, el("a", { href: "/", textContent: "Try it on the page" })));
  }
  card.append(title("Answers"), ...Object.entries(responses).map(([status, one]) => answer(status, one, root)));
  return card;
}

/** The media types of a body: those with a schema each with its fields and examples, then those sent as they are. */
function bodies(content, root) {
  const described = Object.entries(content).filter(([, { schema }]) => schema);
  const bare = Object.keys(content).filter((mediaType) => !content[mediaType].schema);
  const parts = described.flatMap(([mediaType, media]) => body(mediaType, media, root));
  const names = el("code", { textContent: bare.join(", ") });
  return bare.length ? [...parts, el("p", { className: "media" }, "as it is: ", names)] : parts;
}

function body(mediaType, media, root) {
  const type = ` ${typeOf(media.schema, root)}`;
  const head = el("p", { className: "media" }, el("code", { textContent: mediaType }), type);
  const forms = resolve(media.schema, root).anyOf ?? [media.schema];
  const tables = forms.flatMap((form) => {
    const fields = fieldsOf(form, root);
    const name = forms.length > 1 ? [label(resolve(form, root).title ?? typeOf(form, root))] : [];
    return fields.length ? [...name, fieldTable(fields, root)] : [];
  });
  const examples = examplesOf(media, root).flatMap(([name, value]) => [
    label(name),
    code(typeof value === "string" ? value : JSON.stringify(value, null, 2)),
  ]);
  return [head, ...tables, ...examples];
}

function answer(status, response, root) {
  const { description, headers = {}, content = {} } = resolve(response, root);
  const summary = el("summary", {}, el("code", { className: status < 400 ? "good" : "", textContent: status }));
  summary.append(...inline(description));
  const headerField = ([name, one]) => parameterField({ ...resolve(one, root), name, in: "header" });
  const fields = Object.entries(headers).map(headerField);
  const parts = [...bodies(content, root), ...(fields.length ? [fieldTable(fields, root)] : [])];
  return parts.length ? el("details", {}, summary, ...parts) : el("div", { className: "bare" }, ...summary.childNodes);
}

/** A parameter or header as a row of `fieldTable`. */
const parameterField = (parameter) => ({ ...parameter, path: parameter.name, note: parameter.in });

function fieldTable(fields, root) {
  const rows = fields.map(({ path, note, description, schema, required }) => {
    const name = el("th", { scope: "row" }, el("code", {}, breakable(path)));
    if (required) name.append(el("span", { className: "required", textContent: "required" }));
    const type = [note, typeOf(schema, root), boundsOf(schema, root)].filter(Boolean).join(", ");
    const meaning = el("td", {}, el("span", { className: "type", textContent: type }));
    meaning.append(...inline(description ?? resolve(schema, root).description));
    return el("tr", {}, name, meaning);
  });
  return el("table", {}, el("tbody", {}, ...rows));
}

/** A line to paste, with bare bytes where they are taken. A parameter without an example stands as `{name}`. */
function curlLine({ method, path, parameters, requestBody }, root) {
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((line, one) => line.replace(`{${one.name}}`, (name) => exampleOf(one, root) ?? name), path);
  const lines = [`curl ${quoted(location.origin + filled)}`];
  if (!["get", "post"].includes(method)) lines.push(`-X ${method.toUpperCase()}`);
  const content = Object.entries(resolve(requestBody, root).content ?? {});
  const [mediaType, media] = content.find(([, { schema }]) => !schema) ?? content[0] ?? [];
  if (mediaType) lines.push(`-H ${quoted(`Content-Type: ${mediaType}`)}`);
  if (media) lines.push(media.schema ? `-d ${quoted(JSON.stringify(exampleOf(media, root)))}` : "--data-binary @FILE");
  return lines.join(" \\\n  ");
}

const exampleOf = (node, root) => examplesOf(node, root)[0]?.[1];

const methodBadge = (method) => el("span", { className: `method ${method}`, textContent: method.toUpperCase() });

const title = (text) => el("h3", { className: "eyebrow", textContent: text });

const label = (text) => el("p", { className: "small", textContent: text });

const code = (text) => el("pre", { tabIndex: 0 }, el("code", { textContent: text }));

/** A description as paragraphs, with `code` between backticks. */
function prose(text = "") {
  const paragraphs = text.split(/\n\s*\n/).filter((paragraph) => paragraph.trim());
  return paragraphs.map((paragraph) => el("p", {}, ...inline(paragraph)));
}

const inline = (text = "") =>
  text.split("`").map((piece, i) => (i % 2 ? el("code", { textContent: piece }) : piece));

/** A path that may be broken after each slash or dot. */
function breakable(path) {
  const pieces = path.split(/(?<=[/.])/);
  return el("span", {}, ...pieces.flatMap((piece) => [piece, el("wbr")]));
}

try {
  await render();
} catch (error) {
  const text = `The API document cannot be shown: /openapi.json gave ${error.message}`;
  $("operations").replaceChildren(el("p", { className: "notice", textContent: text }));
  throw error;
}
