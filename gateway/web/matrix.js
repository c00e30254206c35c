// How alike texts are, each to each, as a table in which what is alike is tinted.

import { $, el } from "/web/dom.js";

const MOST_TINT = 45; // per cent: numbers stay readable, on light and on dark

export function clearMatrix() {
  const hint = "Two sentences or more, one a line, and this shows how alike they are: 1.00 is the same.";
  $("matrix").replaceChildren(el("p", { className: "small", textContent: hint }));
}

/** `vectors` are of length 1, one for each text. Returns in words which two are most alike. */
export function showMatrix(texts, vectors) {
  const alike = vectors.map((one) => vectors.map((other) => product(one, other)));
  const [row, column] = mostAlike(alike);
  const most = `Most alike: ${row + 1} and ${column + 1}, ${figure(alike[row][column])}`;
  $("matrix").replaceChildren(el("p", { className: "most", textContent: most }), scrolling(table(texts, alike)));
  return `${most}: ${texts[row]} – ${texts[column]}`;
}

/** The cosine of vectors of length 1. */
const product = (one, other) => one.reduce((sum, number, i) => sum + number * other[i], 0);

function mostAlike(alike) {
  let best = [0, 1];
  for (let row = 0; row < alike.length; row++) {
    for (let column = row + 1; column < alike.length; column++) {
      if (alike[row][column] > alike[best[0]][best[1]]) best = [row, column];
    }
  }
  return best;
}

function scrolling(content) {
  const properties = { className: "scrolling", tabIndex: 0, role: "region", ariaLabel: "How alike the sentences are" };
  return el("div", properties, content);
}

/** Rows have the sentences, columns their numbers, and for screen readers the sentences too. */
function table(texts, alike) {
  const corner = el("td");
  const columns = texts.map((text, i) => el("th", { scope: "col", title: text }, String(i + 1), unseen(text)));
  const rows = texts.map((text, row) => {
    const number = el("span", { className: "number", textContent: row + 1 });
    const name = el("th", { scope: "row", title: text }, el("span", { className: "sentence" }, number, spoken(text)));
    return el("tr", {}, name, ...alike[row].map((value, column) => cell(value, row === column)));
  });
  const caption = el("caption", { className: "hidden", textContent: "Cosine of each two sentences" });
  return el("table", {}, caption, el("thead", {}, el("tr", {}, corner, ...columns)), el("tbody", {}, ...rows));
}

const spoken = (text) => el("bdi", { textContent: text });

const unseen = (text) => el("span", { className: "hidden", textContent: ` ${text}` });

function cell(value, same) {
  const shown = el("td", { className: same ? "same" : value < 0 ? "unlike" : "", textContent: figure(value) });
  if (!same) shown.style.setProperty("--share", `${Math.round(MOST_TINT * Math.min(1, Math.abs(value)))}%`);
  return shown;
}

/** With a true minus sign, and no minus before 0.00. */
const figure = (value) => value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
