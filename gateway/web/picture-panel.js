// The panel for pictures that get labels.

import { ask } from "/web/api.js";
import { $ } from "/web/dom.js";
import { clearRanking, showRanking } from "/web/ranking.js";
import { fileRequest, inlineRequest } from "/web/request.js";

const LABELS = 5; // as many as the gateway returns unasked

export class PicturePanel {
  output = $("result");
  #input;

  /** `input` is the `PictureInput` that all panels for pictures share. */
  constructor(input) {
    this.#input = input;
    this.element = input.element;
  }

  show(model) {
    this.#input.show(model);
  }

  /** The request for what the input holds, or null when it is empty. */
  async request({ name: model }) {
    if (this.#input.file) return fileRequest(model, this.#input.file);
    const drawing = await this.#input.drawing();
    return drawing && inlineRequest(model, drawing);
  }

  clear({ manifest }) {
    clearRanking(Math.min(LABELS, manifest.labels.length));
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    return { reply, sentence: showRanking(reply.body) };
  }
}
