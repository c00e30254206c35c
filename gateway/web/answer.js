// The answer card around what a panel shows in it: what it took, what answered, or the gateway's own error.

import { $, el } from "/web/dom.js";

const STAGES = ["decode", "preprocess", "infer", "postprocess"];

/** An answer is on its way; what stands there stays until it comes. */
export function showBusy() {
  $("answer").ariaBusy = "true";
}

/** `output` is the element of the card that the chosen panel shows its answers in, if there is one. */
export function useOutput(output) {
  for (const one of $("outputs").children) one.hidden = one !== output;
}

/** The card without an answer; with `pieces`, "tokens" or "words", it waits for one that comes in those. */
export function showNothing({ pieces } = {}) {
  settle();
  pieces ? showWriting({}, pieces) : showStages([], null);
  $("origin").textContent = "";
  announce("");
}

/** `reply` is what `ask` or `follow` of `api.js` returned, `sentence` what it says in words. */
export function showAnswer(reply, sentence, { pieces } = {}) {
  settle();
  reply.written ? showWriting(reply.written, pieces) : showStages(reply.stages, reply.roundTrip);
  $("origin").replaceChildren(...originOf(reply));
  const doubts = (reply.unknown ?? []).map(doubtOf).join(" ");
  $("doubts").textContent = doubts;
  $("doubts").hidden = !doubts;
  announce(`${sentence} ${doubts}`.trim());
}

/** A `Problem` of `api.js`, in the gateway's words; `beside` what was answered so far. */
export function showProblem({ title, detail, status, requestId, retryAfter }, { beside = false, pieces } = {}) {
  $("problem-title").textContent = title;
  $("problem-detail").textContent = detail;
  $("problem-source").textContent = [
    status && `HTTP ${status}`,
    retryAfter && `try again in ${retryAfter} s`,
    requestId && `request ${requestId}`,
  ]
    .filter(Boolean)
    .join(" · ");
  $("outputs").hidden = !beside;
  $("problem").hidden = false;
  pieces ? showWriting({}, pieces) : showStages([], null);
  $("origin").textContent = "";
  announce(`${title}. ${detail}`);
}

const languages = new Intl.DisplayNames(["en"], { type: "language" });

/** Of a text that the model can hardly read. */
function doubtOf({ language, known }) {
  const names = known.map((code) => languages.of(code)).join(", ");
  return `It seems to be in ${languages.of(language)}; this model knows ${names}.`;
}

function settle() {
  $("doubts").hidden = true;
  $("outputs").hidden = false;
  $("problem").hidden = true;
}

/** The gateway's stages and, as the rest of the round trip, the way there and back. */
function showStages(stages, roundTrip) {
  const known = new Map(stages);
  const inside = STAGES.reduce((sum, name) => sum + (known.get(name) ?? 0), 0);
  const outside = roundTrip === null ? undefined : Math.max(0, roundTrip - inside);
  const parts = [...STAGES.map((name) => [name, known.get(name)]), ["network", outside]];
  showTimes(parts, [["round trip", milliseconds(roundTrip ?? undefined)]]);
}

/**
 * Of an answer in pieces: how long its first one took, and how fast the others came; of `seconds` of speech, how much
 * faster than it was said.
 */
function showWriting({ first, rest, tokens, seconds }, pieces) {
  const all = first === undefined ? undefined : first + rest;
  const parts = [
    [`first ${pieces === "words" ? "words" : "token"}`, first],
    ["the others", rest],
  ];
  const figures = {
    tokens: () => [
      ["tokens", tokens ?? "–"],
      ["speed", tokens > 1 && rest > 0 ? `${((1000 * (tokens - 1)) / rest).toFixed(1)} tokens/s` : "–"],
    ],
    words: () => [
      ["recording", milliseconds(seconds && 1000 * seconds)],
      ["speed", seconds && all ? `${((1000 * seconds) / all).toFixed(1)} × speech` : "–"],
    ],
  };
  showTimes(parts, [["together", milliseconds(all)], ...figures[pieces]()]);
}

function showTimes(parts, figures) {
  $("stages").replaceChildren(...parts.map(([name, duration]) => segment(name, duration ?? 0)));
  const items = parts.map(([name, duration]) => legendItem(name, milliseconds(duration), shade(name)));
  $("legend").replaceChildren(...items, ...figures.map(([name, figure]) => legendItem(name, figure, "total")));
}

const shade = (name) => `stage-${name.replace(" ", "-")}`;

function milliseconds(duration) {
  if (duration === undefined) return "–";
  if (duration >= 10_000) return `${(duration / 1000).toFixed(1)} s`;
  return `${duration.toFixed(duration < 10 ? 1 : 0)} ms`;
}

function segment(name, duration) {
  const part = el("span", { className: shade(name) });
  part.style.flexGrow = duration;
  return part;
}

function legendItem(name, figure, className) {
  return el("div", { className }, el("dt", { textContent: name }), el("dd", { textContent: figure }));
}

function originOf({ version, digest }) {
  const parts = [];
  if (version) parts.push(`Answered by version ${version}`);
  if (digest) parts.push(parts.length ? ", digest " : "Digest ", el("code", { textContent: digest, title: digest }));
  return parts;
}

/** Ends the waiting, and tells screen readers what came. */
function announce(sentence) {
  $("answer").ariaBusy = "false";
  $("announcement").textContent = sentence;
}
