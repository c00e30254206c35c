// The panel for pictures in which things are found: the picture with their boxes, and a list of them.

import { ask } from "/web/api.js";
import { percent, showPicture } from "/web/boxes.js";
import { $, el } from "/web/dom.js";
import { fileRequest, fileRequestWith } from "/web/request.js";

const UNASKED = 0.5; // the least score that the gateway tells where no other is asked for
const HUES = [174, 28, 262, 96, 330, 210, 52]; // of boxes, by their labels, in turns

export class DetectionPanel {
  way = "What is where";
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
      showPicture($("found-picture"), picture, things, hue, sentence || nothing);
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

/** A thing in words and numbers, for who does not see the picture, or it. */
function item({ label, score, box: { xmin, ymin, xmax, ymax } }, hue) {
  const mark = el("span", { className: "mark", ariaHidden: "true" });
  mark.style.background = `hsl(${hue(label)} 70% 40%)`;
  const place = el("span", { className: "place", textContent: `${xmin}, ${ymin} to ${xmax}, ${ymax}` });
  place.title = "Pixels from the upper left corner";
  const name = el("span", { className: "label", dir: "auto", textContent: label });
  return el("li", {}, mark, name, place, el("span", { className: "figure", textContent: percent(score) }));
}
