// The panel for sentences: how alike they are, each to each.

import { ask } from "/web/api.js";
import { $ } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { clearMatrix, showMatrix } from "/web/matrix.js";
import { textRequest } from "/web/request.js";

const EXAMPLES = {
  "Film and weather": [
    "An unforgettable, wonderful film",
    "I could watch this movie again and again.",
    "Two hours I will never get back.",
    "Tomorrow there will be rain.",
    "Take an umbrella with you.",
  ],
  "The same question": [
    "How do I get my money back?",
    "I would like a refund, please.",
    "Where is my parcel?",
    "When will it be delivered?",
  ],
};

export class SentencesPanel {
  way = "Similarity";
  element = $("sentences-panel");
  output = $("matrix");
  #text = $("sentences");

  /** `changed()` asks for the current sentences. */
  constructor(changed) {
    onSend(this.element, changed);
    onClear(this.element, this.#text, changed);
    offer(this.element, Object.entries(EXAMPLES), (sentences) => {
      this.#text.value = sentences.join("\n");
      changed();
    });
  }

  show() {}

  /** The request for the vectors of all sentences, of length 1; null with fewer than two. */
  request({ name }) {
    const sentences = this.#sentences;
    return sentences.length < 2 ? null : textRequest(name, sentences, { normalize: true });
  }

  clear() {
    clearMatrix();
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    return { reply, sentence: showMatrix(JSON.parse(request.body).inputs, reply.body) };
  }

  get #sentences() {
    return this.#text.value.split("\n").filter((line) => line.trim());
  }
}
