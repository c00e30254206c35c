// The gateway's HTTP interface: the models it serves, one request, and its errors.

/** An answer of status 400 or more, or none at all (`status` 0). Title and detail are the gateway's own words. */
export class Problem extends Error {
  constructor(title, detail, { status = 0, requestId = null } = {}) {
    super(`${title}: ${detail}`);
    Object.assign(this, { title, detail, status, requestId });
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
  const response = await send(request.path, {
    method: "POST",
    headers: { "Content-Type": request.contentType },
    body: request.body,
    signal,
  });
  const body = await response.json();
  return {
    body,
    stages: serverTiming(response.headers.get("Server-Timing") ?? ""),
    roundTrip: performance.now() - started,
    version: response.headers.get("X-Model-Version"),
    digest: response.headers.get("X-Model-Digest"),
  };
}

/** Why a model answers a request as it does: a document with weights, or a `Blob` of a picture. Throws `Problem`. */
export async function explain(request) {
  const response = await send(`${request.path}/explain`, {
    method: "POST",
    headers: { "Content-Type": request.contentType },
    body: request.body,
  });
  return response.headers.get("Content-Type") === "application/json" ? response.json() : response.blob();
}

/** `decode;dur=0.4, infer;dur=3` as `[["decode", 0.4], ["infer", 3]]`; metrics without a duration are left out. */
function serverTiming(header) {
  return header
    .split(",")
    .map((metric) => metric.match(/^\s*([^;\s]+)\s*;.*?\bdur=([\d.]+)/))
    .filter(Boolean)
    .map(([, name, duration]) => [name, Number(duration)]);
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
  const document = await response.json().catch(() => ({}));
  const title = document.title ?? (response.statusText || "Error");
  const detail = document.detail ?? document.error ?? "The answer carried no explanation.";
  return new Problem(title, detail, { status: response.status, requestId });
}
