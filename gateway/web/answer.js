// The answer card: ranked labels, the time of each stage, what answered, or the gateway's own error.

import { $, el } from "/web/dom.js";

const ROWS = 5; // as many labels as the gateway returns unasked
const STAGES = ["decode", "preprocess", "infer", "postprocess"];

/** An answer is on its way; what stands there stays until it comes. */
export function showBusy() {
  $("answer").ariaBusy = "true";
}

/** The empty card for a model of so many labels. It takes the room of a full one, so that nothing jumps later. */
export function showNothing(labelCount = ROWS) {
  showRanking(Array(Math.min(ROWS, labelCount)).fill({ label: "", score: null }));
  showStages([], null);
  $("origin").textContent = "";
  announce("");
}

/** `labels` are `{label, score}` in falling order; `reply` is what `ask` of `api.js` returned. */
export function showAnswer(labels, reply) {
  showRanking(labels);
  showStages(reply.stages, reply.roundTrip);
  $("origin").replaceChildren(...originOf(reply));
  announce(`${labels[0].label}, ${percent(labels[0].score)}`);
}

/** A `Problem` of `api.js`, in the gateway's words. */
export function showProblem({ title, detail, status, requestId }) {
  $("problem-title").textContent = title;
  $("problem-detail").textContent = detail;
  $("problem-source").textContent = [status && `HTTP ${status}`, requestId && `request ${requestId}`]
    .filter(Boolean)
    .join(" · ");
  $("result").hidden = true;
  $("problem").hidden = false;
  showStages([], null);
  $("origin").textContent = "";
  announce(`${title}. ${detail}`);
}

function showRanking(labels) {
  $("result").hidden = false;
  $("problem").hidden = true;
  const [best] = labels;
  $("best").className = best.label.length > 3 ? "best" : "best short";
  $("best").classList.toggle("idle", !best.label);
  $("best-label").textContent = best.label || "–";
  $("best-score").textContent = percent(best.score);
  const rows = $("ranking").children;
  while (rows.length > labels.length) rows[rows.length - 1].remove();
  while (rows.length < labels.length) $("ranking").append(rankingRow());
  labels.forEach(({ label, score }, i) => {
    const [name, bar, figure] = rows[i].children;
    name.textContent = label;
    bar.firstChild.style.width = `${100 * (score ?? 0)}%`;
    figure.textContent = percent(score);
  });
}

function rankingRow() {
  const bar = el("span", { className: "bar", ariaHidden: "true" }, el("span"));
  return el("li", {}, el("span", { className: "label" }), bar, el("span", { className: "figure" }));
}

function percent(score) {
  if (score === null) return "";
  if (score > 0 && score < 0.001) return "< 0.1 %";
  return `${(100 * score).toFixed(1)} %`;
}

/** The gateway's stages and, as the rest of the round trip, the way there and back. */
function showStages(stages, roundTrip) {
  const known = new Map(stages);
  const inside = STAGES.reduce((sum, name) => sum + (known.get(name) ?? 0), 0);
  const outside = roundTrip === null ? undefined : Math.max(0, roundTrip - inside);
  const parts = [...STAGES.map((name) => [name, known.get(name)]), ["network", outside]];
  $("stages").replaceChildren(...parts.map(([name, duration]) => segment(name, duration ?? 0)));
  $("legend").replaceChildren(...parts.map(([name, duration]) => legendItem(name, duration)));
  $("legend").append(legendItem("round trip", roundTrip ?? undefined));
}

function segment(name, duration) {
  const part = el("span", { className: `stage-${name}` });
  part.style.flexGrow = duration;
  return part;
}

function legendItem(name, duration) {
  const figure = duration === undefined ? "–" : `${duration.toFixed(duration < 10 ? 1 : 0)} ms`;
  const className = name === "round trip" ? "total" : `stage-${name}`;
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
