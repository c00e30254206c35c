// The panel for pictures in which things are found: the picture with their boxes, and a list of them.

import { ask } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { fileRequest, fileRequestWith } from "/web/request.js";

const UNASKED = 0.5; // the least score that the gateway tells where no other is asked for
const MOST_PIXELS = 1200; // of a side of the picture as it is shown
const HUES = [174, 28, 262, 96, 330, 210, 52]; // of boxes, by their labels, in turns

export class DetectionPanel {
  output = $("found");
  #input;

  /** `input` is the `PictureInput` that all panels for pictures share; `changed()` asks for its picture. */
  constructor(input, changed) {
    this.#input = input;
    this.element = input.element;
    $("threshold").addEventListener("input", () => {
      $("threshold-value").textContent = $("threshold").value;
      if (input.file) changed();
    });
  }

  show(model) {
    this.#input.show(model);
  }

  /** The request for the picture, or null when there is none. */
  async request({ name: model }) {
    const { file } = this.#input;
    if (!file) return null;
    const threshold = Number($("threshold").value);
    const request = threshold === UNASKED ? fileRequest(model, file) : await fileRequestWith(model, file, { threshold });
    return { ...request, picture: file.blob, threshold };
  }

  clear() {
    $("found-picture").hidden = true;
    $("found-list").replaceChildren();
    $("found-none").textContent = "Give it a photograph.";
    $("found-none").hidden = false;
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    const things = reply.body;
    const sentence = things.map(({ label, score }) => `${label}, ${percent(score)}`).join("; ");
    const nothing = `Nothing with a score of ${request.threshold} or more.`;
    const picture = await createImageBitmap(request.picture).catch(() => null); // there are formats it does not know
    if (!signal.aborted) {
      const hue = huesOf(things);
      showPicture(picture, things, hue, sentence || nothing);
      $("found-list").replaceChildren(...things.map((thing) => item(thing, hue)));
      $("found-none").textContent = nothing;
      $("found-none").hidden = things.length > 0;
    }
    picture?.close();
    return { reply, sentence: sentence || nothing };
  }
}

/** A hue for each label, in the order in which they are told. */
function huesOf(things) {
  const labels = [...new Set(things.map(({ label }) => label))];
  return (label) => HUES[labels.indexOf(label) % HUES.length];
}

/** On a canvas: the page loads pictures from nowhere. */
function showPicture(picture, things, hue, sentence) {
  const canvas = $("found-picture");
  canvas.hidden = !picture;
  if (!picture) return;
  const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.ariaLabel = `The picture with boxes around what was found: ${sentence}`;
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const unit = Math.max(canvas.width / Math.max(1, canvas.clientWidth), 0.5); // of the canvas in a pixel of the page
  for (const thing of [...things].reverse()) drawBox(context, thing, scale, unit, hue(thing.label));
}

function drawBox(context, { label, score, box: { xmin, ymin, xmax, ymax } }, scale, unit, hue) {
  const [left, top, width, height] = [xmin, ymin, xmax - xmin, ymax - ymin].map((side) => side * scale);
  const colour = `hsl(${hue} 70% 30%)`;
  context.lineWidth = 5 * unit;
  context.strokeStyle = "white"; // around the line, that it is seen on any picture
  context.strokeRect(left, top, width, height);
  context.lineWidth = 3 * unit;
  context.strokeStyle = colour;
  context.strokeRect(left, top, width, height);
  const text = `${label} ${percent(score)}`;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const wide = context.measureText(text).width + 12 * unit;
  const high = 20 * unit;
  const x = Math.max(0, Math.min(left, context.canvas.width - wide));
  const y = top >= high ? top - high : Math.min(top, context.canvas.height - high);
  context.fillStyle = colour;
  context.fillRect(x, y, wide, high);
  context.fillStyle = "white";
  context.textBaseline = "middle";
  context.fillText(text, x + 6 * unit, y + high / 2);
}

/** A thing in words and numbers, for who does not see the picture, or it. */
function item({ label, score, box: { xmin, ymin, xmax, ymax } }, hue) {
  const mark = el("span", { className: "mark", ariaHidden: "true" });
  mark.style.background = `hsl(${hue(label)} 70% 40%)`;
  const place = el("span", { className: "place", textContent: `${xmin}, ${ymin} to ${xmax}, ${ymax}` });
  place.title = "Pixels from the upper left corner";
  const name = el("span", { className: "label", dir: "auto", textContent: label });
  return el("li", {}, mark, name, place, el("span", { className: "figure", textContent: percent(score) }));
}

const percent = (score) => `${(100 * score).toFixed(1)} %`;
