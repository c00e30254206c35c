// The panel for texts that get labels: typed, or one of the examples.

import { ask } from "/web/api.js";
import { $ } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { clearRanking, showRanking } from "/web/ranking.js";
import { textRequest } from "/web/request.js";

const MOST_WINDOWS = 32; // what the gateway reads of a text

// Each for models that have the label.
const EXAMPLES = [
  ["positive", "an unforgettable, wonderful film"],
  ["positive", "Two hours I will never get back."],
  ["positive", "Thin plot, but the cast is worth it."],
  ["sci.space", "Which rocket could lift the probe into an orbit around the moon?"],
  ["rec.sport.hockey", "What a save by the goalie in overtime!"],
  ["comp.graphics", "How do I render a polygon with smooth shading?"],
];

export class TextPanel {
  element = $("text-panel");
  output = $("result");
  #text = $("text");
  #whole = $("text-whole");
  #changed;
  #several = false;

  /** `changed()` asks for the current text. */
  constructor(changed) {
    this.#changed = changed;
    onSend(this.element, changed);
    onClear(this.element, this.#text, changed);
    this.#whole.addEventListener("change", () => this.#text.value && changed());
  }

  show({ manifest }) {
    this.#several = manifest.multi_label;
    $("text-whole-label").textContent = `Read on past the first ${manifest.processing.max_tokens} tokens`;
    const fitting = EXAMPLES.filter(([label]) => manifest.labels.includes(label));
    const examples = fitting.map(([, text]) => [text, text]);
    offer(this.element, examples, (text) => {
      this.#text.value = text;
      this.#changed();
    });
  }

  /** The request for the text, or null when there is none. */
  request({ name }) {
    if (!this.#text.value) return null;
    return textRequest(name, this.#text.value, this.#whole.checked ? { parameters: { windows: MOST_WINDOWS } } : {});
  }

  clear({ manifest }) {
    clearRanking(manifest.labels.length);
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    const [labels] = reply.body;
    return { reply, sentence: showRanking(labels, { several: this.#several }), labels };
  }
}
