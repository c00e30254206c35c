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
  const heading = el("h2", {}, methodBadge(method), el("a", { href: `#${anchor}`, className: "path" }, breakable(path)));
  const card = el("section", { id: anchor, className: "card operation", ariaLabel: `${method} ${path}` }, heading);
  if (summary) card.append(el("p", { className: "summary", textContent: summary }));
  card.append(...prose(description));
  if (parameters.length) card.append(title("Parameters"), parameterTable(parameters, root));
  if (requestBody) card.append(title("Request body"), ...bodies(resolve(requestBody, root).content ?? {}, root));
  card.append(title("Shell"), code(curlLine(operation, root)));
  if (method === "post" && path.startsWith("/models/")) {
    card.append(el("p", { className: "try" }, el("a", { href: "/", textContent: "Try it on the page" })));
  }
  card.append(title("Answers"), ...Object.entries(responses).map(([status, one]) => answer(status, one, root)));
  return card;
}

function parameterTable(parameters, root) {
  const fields = parameters.map(({ name, in: place, required, description, schema }) => ({
    path: name,
    note: place,
    required,
    description,
    schema,
  }));
  return fieldTable(fields, root);
}

/** The media types of a body, each with its fields and examples. */
function bodies(content, root) {
  return Object.entries(content).flatMap(([mediaType, media]) => {
    const head = el("p", { className: "media" }, el("code", { textContent: mediaType }));
    head.append(` ${typeOf(media.schema, root)}`);
    const fields = fieldsOf(media.schema, root);
    const examples = examplesOf(media, root).flatMap(([name, value]) => [
      el("p", { className: "small", textContent: name }),
      code(typeof value === "string" ? value : JSON.stringify(value, null, 2)),
    ]);
    return [head, ...(fields.length ? [fieldTable(fields, root)] : []), ...examples];
  });
}

function answer(status, response, root) {
  const { description, headers = {}, content = {} } = resolve(response, root);
  const summary = el("summary", {}, el("code", { className: status < 400 ? "good" : "", textContent: status }));
  summary.append(` ${description}`);
  const fields = Object.entries(headers).map(([name, header]) => ({
    ...resolve(header, root),
    path: name,
    note: "header",
  }));
  const parts = [...bodies(content, root), ...(fields.length ? [fieldTable(fields, root)] : [])];
  return parts.length ? el("details", {}, summary, ...parts) : el("div", { className: "bare" }, ...summary.childNodes);
}

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

/** A line to paste; a parameter without an example stands as `{name}`. */
function curlLine({ method, path, parameters, requestBody }, root) {
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((line, one) => line.replace(`{${one.name}}`, (name) => examplesOf(one, root)[0]?.[1] ?? name), path);
  const lines = [`curl ${quoted(location.origin + filled)}`];
  if (!["get", "post"].includes(method)) lines.push(`-X ${method.toUpperCase()}`);
  const content = Object.entries(resolve(requestBody, root).content ?? {});
  const [mediaType, media] = content.find(([type]) => type.includes("json")) ?? content[0] ?? [];
  if (mediaType) lines.push(`-H ${quoted(`Content-Type: ${mediaType}`)}`, data(mediaType, media, root));
  return lines.join(" \\\n  ");
}

function data(mediaType, media, root) {
  if (!mediaType.includes("json")) return "--data-binary @FILE";
  return `-d ${quoted(JSON.stringify(examplesOf(media, root)[0]?.[1] ?? {}))}`;
}

const methodBadge = (method) => el("span", { className: `method ${method}`, textContent: method.toUpperCase() });

const title = (text) => el("h3", { className: "eyebrow", textContent: text });

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
