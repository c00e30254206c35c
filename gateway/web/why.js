// Why the answer is what it is: the words of a text coloured by their weight, or the picture with its heat-map.

import { Problem, explain } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { textRequest } from "/web/request.js";

const HEAVIEST = 6; // words that are listed,
const LEAST = 0.005; // but none that would be told as 0.00
const MOST_TINT = 60; // per cent
const MOST_TRIES = 10; // after the first

let explained = null; // the question that the button asks about

/**
 * Offers to explain the answer to a request of `request.js`; of a text why it has one of its `labels`, best first.
 * Null takes the offer and what was shown back.
 */
export function offerWhy(question) {
  explained = question;
  $("explain").hidden = !question;
  $("why").hidden = true;
}

async function show() {
  const question = explained;
  if ($("why").hidden) $("why").replaceChildren(small("Looking for what speaks for it…"));
  $("why").hidden = false;
  const shown = await patiently(question);
  if (question !== explained) return; // something else was asked meanwhile
  const chooses = $("why").contains(document.activeElement);
  $("why").replaceChildren(...shown);
  if (chooses) $("why").querySelector("select")?.focus();
}

/** What is shown of the answer; who says when to ask again is asked again, as long as the question stands. */
async function patiently(question) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await answer(question);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.retryAfter === null || tries === MOST_TRIES) return [small(error.detail)];
      if (question === explained) $("why").replaceChildren(small(error.detail));
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
      if (question !== explained) return [];
    }
  }
}

const small = (sentence) => el("p", { className: "small", textContent: sentence });

async function answer({ request, labels, model, label }) {
  if (!labels) return [await picture(await explain(request))];
  const { inputs } = JSON.parse(request.body);
  const parameters = label === undefined ? {} : { parameters: { label } };
  return text(await explain(textRequest(model, inputs, parameters)), labels);
}

/** The text as it was read; what speaks for the label is tinted, what speaks against it is alarming. */
function text({ label, text, tokens, warnings }, labels) {
  const letters = [...text]; // offsets count code points
  const words = wordsOf(tokens);
  const heaviest = Math.max(...words.map(({ weight }) => Math.abs(weight)), Number.MIN_VALUE);
  const line = el("p", { className: "weights", dir: "auto" });
  let done = 0;
  for (const { start, end, weight } of words) {
    const className = weight < 0 ? "against" : "";
    const mark = el("mark", { title: signed(weight), className }, letters.slice(start, end).join(""));
    mark.style.setProperty("--share", `${Math.round((MOST_TINT * Math.abs(weight)) / heaviest)}%`);
    line.append(letters.slice(done, start).join(""), mark);
    done = end;
  }
  const rest = letters.slice(done).join("");
  line.append(rest.trim() ? el("span", { className: "unread", textContent: rest }) : rest);
  const note = rest.trim() ? [small("What is pale was not read for this.")] : [];
  const listed = words
    .filter(({ weight }) => Math.abs(weight) >= LEAST)
    .sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight))
    .slice(0, HEAVIEST);
  return [chooser(label, labels), ...warnings.map(small), line, ...note, list(listed, letters)];
}

/** Pieces of a word become it, with the sum of their weights. Marks of the tokenizer, which are nowhere, go. */
function wordsOf(tokens) {
  const words = [];
  for (const { token, start, end, weight } of tokens) {
    if (start >= end) continue;
    const last = words.at(-1);
    if (last && token.startsWith("##") && start === last.end) {
      last.end = end;
      last.weight += weight;
    } else {
      words.push({ start, end, weight });
    }
  }
  return words;
}

/** Which label is explained; another one can be. */
function chooser(label, labels) {
  const options = labels.map(({ label: name }) => el("option", { value: name, textContent: name }));
  const select = el("select", {}, ...options);
  select.value = label;
  select.addEventListener("change", () => {
    explained = { ...explained, label: select.value };
    show();
  });
  return el("label", { className: "choice" }, "What speaks for", select);
}

/** The heaviest words with their weights, for who does not see colours. */
function list(words, letters) {
  const items = words.map(({ start, end, weight }) => {
    const figure = el("span", { className: "figure", textContent: signed(weight) });
    return el("li", {}, el("bdi", { textContent: letters.slice(start, end).join("") }), " ", figure);
  });
  return el("ul", { className: "heaviest", ariaLabel: "The heaviest words" }, ...items);
}

const signed = (weight) => `${weight > 0 ? "+" : weight < 0 ? "−" : ""}${Math.abs(weight).toFixed(2)}`;

/** On a canvas: the page loads pictures from nowhere. */
async function picture(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = el("canvas", { width: bitmap.width, height: bitmap.height, role: "img" });
  canvas.ariaLabel = "The picture; what speaks for the label is yellow to red.";
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

$("explain").addEventListener("click", show);
