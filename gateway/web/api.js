// The gateway's HTTP interface: the models it serves, one request, and its errors.

import { documents } from "/web/events.js";

/** An answer of status 400 or more, or none at all (`status` 0). Title and detail are the gateway's own words. */
export class Problem extends Error {
  constructor(title, detail, { status = 0, requestId = null, retryAfter = null } = {}) {
    super(`${title}: ${detail}`);
    Object.assign(this, { title, detail, status, requestId, retryAfter });
  }
}

/** Every model the gateway knows: `{name, ready, reason, task, description, version, …}`, nulls while not ready. */
export async function listModels() {
  return (await (await send("/models", { cache: "no-store" })).json()).models;
}

/** One model with the public part of its current version's `manifest`, null while it is not ready. */
export async function describeModel(name) {
  return (await send(modelPath(name), { cache: "no-store" })).json();
}

export const modelPath = (name) => `/models/${encodeURIComponent(name)}`;

/**
 * Sends a request of `request.js`.
 * Returns the parsed body, the time of each stage in milliseconds, the round trip as the page saw it, and the version
 * and digest that answered. Throws `Problem`, or `AbortError` when `signal` fires.
 */
export async function ask(request, signal) {
  const started = performance.now();
  const response = await post(request.path, request, signal);
  const body = await whole(response.json());
  return {
    body,
    stages: serverTiming(response.headers.get("Server-Timing") ?? ""),
    roundTrip: performance.now() - started,
    ...originOf(response),
  };
}

/**
 * Sends a request whose answer comes in pieces; `told` is called with each, as parsed JSON, and says whether it is a
 * token. Returns what of `ask` is known, and `written`: after how many milliseconds the first token came, how long the
 * rest took, and how many there were. It ends early, with `stopped`, when the signal `stop` fires.
 * Throws `Problem`, or `AbortError` when `signal` fires.
 */
export async function follow(request, { signal, stop }, told) {
  const started = performance.now();
  const written = { first: undefined, rest: undefined, tokens: 0 };
  const reply = { written, stopped: false };
  try {
    const response = await post(request.path, request, AbortSignal.any([signal, stop]));
    Object.assign(reply, originOf(response));
    for await (const piece of documents(response.body)) {
      if (piece.error) throw new Problem("The answer broke off", wordsOf(piece));
      if (!told(piece)) continue;
      written.tokens += 1;
      const now = performance.now() - started;
      written.first ??= now;
      written.rest = now - written.first;
    }
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    if (!stop.aborted) throw new Problem("The answer broke off", "The connection to the gateway was lost.");
    reply.stopped = true;
  }
  return reply;
}

const originOf = ({ headers }) => ({
  version: headers.get("X-Model-Version"),
  digest: headers.get("X-Model-Digest"),
  unknown: unknownLanguages(headers.get("X-Model-Warning") ?? ""),
});

/** `unknown-language;language="de";items="0";known="en"`, …: `{language, known}` by their codes. */
const unknownLanguages = (header) =>
  [...header.matchAll(/unknown-language;language="([^"]*)";[^,]*known="([^"]*)"/g)].map(([, language, known]) => ({
    language,
    known: known.split(" "),
  }));

/** Why a model answers a request as it does: a document with weights, or a `Blob` of a picture. Throws `Problem`. */
export async function explain(request) {
  const response = await post(`${request.path}/explain`, request);
  return whole(response.headers.get("Content-Type") === "application/json" ? response.json() : response.blob());
}

/** `decode;dur=0.4, infer;dur=3` as `[["decode", 0.4], ["infer", 3]]`; metrics without a duration are left out. */
function serverTiming(header) {
  return header
    .split(",")
    .map((metric) => metric.match(/^\s*([^;\s]+)\s*;.*?\bdur=([\d.]+)/))
    .filter(Boolean)
    .map(([, name, duration]) => [name, Number(duration)]);
}

function post(path, { contentType, body }, signal) {
  const headers = contentType ? { "Content-Type": contentType } : {}; // of a form the browser knows it
  return send(path, { method: "POST", headers, body, signal });
}

/** What a response's body comes to, if all of it arrives. */
async function whole(content) {
  try {
    return await content;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The answer broke off", "The connection to the gateway was lost.");
  }
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("No answer", `The gateway at ${location.origin} did not answer. Is it still running?`);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const requestId = response.headers.get("X-Request-Id");
  const retryAfter = response.headers.get("Retry-After");
  const document = await response.json().catch(() => ({}));
  const title = document.title ?? (response.statusText || "Error");
  return new Problem(title, wordsOf(document), { status: response.status, requestId, retryAfter });
}

/** What an error says in words: problem details, OpenAI's error object, or the bare text of the others. */
function wordsOf({ detail, error }) {
  return detail ?? error?.message ?? error ?? "The answer carried no explanation.";
}
