// The panel for texts: typed, or one of the examples.

import { $, el } from "/web/dom.js";
import { textRequest } from "/web/request.js";

const EXAMPLES = [
  "an unforgettable, wonderful film",
  "Two hours I will never get back.",
  "Thin plot, but the cast is worth it.",
];

export class TextPanel {
  element = $("text-panel");
  #text = $("text");

  /** `changed()` asks for the current text. */
  constructor(changed) {
    for (const example of EXAMPLES) {
      const button = el("button", { type: "button", textContent: example });
      button.addEventListener("click", () => {
        this.#text.value = example;
        changed();
      });
      $("text-buttons").append(button);
    }
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      changed();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) changed();
    });
    $("text-clear").addEventListener("click", () => {
      this.#text.value = "";
      this.#text.focus();
      changed();
    });
  }

  show() {}

  /** The request for the text, or null when there is none. */
  request({ name: model }) {
    return this.#text.value ? textRequest(model, this.#text.value) : null;
  }

  answer([labels]) {
    return labels;
  }
}
