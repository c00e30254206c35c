// Ranked labels with bars: the answer of everything that classifies.

import { $, el } from "/web/dom.js";

const ROWS = 8; // more are shown when asked for
const WORDY = 40; // letters: a label with more is told in smaller ones
const HALF = 0.5; // from here a label that stands by itself is given

/** The empty ranking of so many labels. It takes the room of a full one, so that nothing jumps later. */
export function clearRanking(labelCount) {
  showRows(Array(Math.min(ROWS, labelCount)).fill({ label: "", score: null }));
  showBest("–", "", { idle: true, short: true });
}

/**
 * `labels` are `{label, score}` in falling order; with `several` each is right or not, whatever the others are.
 * Returns the best in words.
 */
export function showRanking(labels, { several = false } = {}) {
  showRows(labels);
  $("ranking").classList.toggle("several", several);
  const given = several ? labels.filter(({ score }) => score >= HALF) : labels.slice(0, 1);
  const names = given.map(({ label }) => label).join(", ");
  const score = given.length === 1 ? percent(given[0].score) : "";
  showBest(names || "None of them", score, { idle: !names, short: names.length > 0 && names.length <= 3 });
  return given.map(({ label, score }) => `${label}, ${percent(score)}`).join("; ") || "None of them";
}

function showBest(label, score, { idle, short }) {
  $("best").className = "best";
  $("best").classList.toggle("idle", idle);
  $("best").classList.toggle("short", short);
  $("best").classList.toggle("wordy", label.length > WORDY);
  $("best-label").textContent = label;
  $("best-score").textContent = score;
}

function showRows(labels) {
  const rows = $("ranking").children;
  while (rows.length > labels.length) rows[rows.length - 1].remove();
  while (rows.length < labels.length) $("ranking").append(row());
  labels.forEach(({ label, score }, i) => {
    const [name, bar, figure] = rows[i].children;
    name.textContent = label;
    name.title = label;
    bar.firstChild.style.width = `${100 * (score ?? 0)}%`;
    figure.textContent = percent(score);
    rows[i].classList.toggle("given", score >= HALF);
  });
  $("ranking").classList.add("cut");
  $("more").hidden = labels.length <= ROWS;
  $("more").textContent = `All ${labels.length} labels`;
}

function row() {
  const bar = el("span", { className: "bar", ariaHidden: "true" }, el("span"));
  return el("li", {}, el("span", { className: "label", dir: "auto" }), bar, el("span", { className: "figure" }));
}

function percent(score) {
  if (score === null) return "";
  if (score > 0 && score < 0.001) return "< 0.1 %";
  return `${(100 * score).toFixed(1)} %`;
}

$("more").addEventListener("click", () => {
  $("ranking").classList.remove("cut");
  $("more").hidden = true;
});
