// The panel for recordings that get labels, and for a microphone in which commands are spotted.

import { ask } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { percent } from "/web/boxes.js";
import { clearRanking, showRanking } from "/web/ranking.js";
import { fileRequest } from "/web/request.js";
import { Spotter } from "/web/spotting.js";
import { timeOf } from "/web/subtitles.js";

const LABELS = 5; // as many as the gateway returns unasked

export class SoundPanel {
  output = $("result");
  #input;
  #spotter = null; // of the microphone that is open
  #heard_s = Infinity; // the end of the last window
  #model = null;

  /** `input` is the `SoundInput` that the panels for recordings share. */
  constructor(input) {
    this.#input = input;
    this.element = input.element;
  }

  show(model) {
    this.#input.show(model);
    if (model.name !== this.#model) $("spotted").replaceChildren();
    this.#model = model.name;
    this.#arrange();
  }

  leave() {
    this.#input.leave();
    $("spotting").hidden = true;
  }

  /** The request for the recording, or null when there is none. */
  request({ name: model }) {
    const { file } = this.#input;
    return file && { ...fileRequest(model, file), until_s: file.until_s };
  }

  clear({ manifest }) {
    $("spotted").replaceChildren();
    this.#arrange();
    clearRanking(Math.min(LABELS, manifest.labels.length));
  }

  /** Of a window only the commands in it are told in words, and each once. */
  async answer(request, signal) {
    const reply = await ask(request, signal);
    const sentence = showRanking(reply.body);
    if (request.until_s === undefined) return { reply, sentence };
    if (!signal.aborted) this.#hear(request.until_s, reply.body);
    return { reply, sentence: "" };
  }

  #hear(until_s, labels) {
    if (until_s < this.#heard_s) {
      this.#spotter = new Spotter();
      $("spotted").replaceChildren();
      this.#arrange();
    }
    this.#heard_s = until_s;
    const spotted = this.#spotter.hear(until_s, labels);
    if (!spotted) return;
    $("spotted").append(item(spotted));
    this.#arrange();
    $("spotted").scrollTop = $("spotted").scrollHeight;
  }

  #arrange() {
    $("spotting").hidden = $("spotted").children.length === 0;
  }
}

function item({ label, score, at_s }) {
  const time = el("span", { className: "time", textContent: timeOf(at_s) });
  const name = el("span", { className: "label", dir: "auto", textContent: label });
  return el("li", {}, time, name, el("span", { className: "figure", textContent: percent(score) }));
}
