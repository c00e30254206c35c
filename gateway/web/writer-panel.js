// The panel for texts that a model goes on with, token by token.

import { Problem, follow } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { textRequest } from "/web/request.js";
import { Sampling, Stop, endingOf } from "/web/sampling.js";

const EXAMPLES = ["Once upon a time", "My lord, I come to tell you", "The old house stood"];

export class WriterPanel {
  way = "Continue a text";
  deliberate = true; // what it asks for takes long, so it asks when told to
  pieces = "tokens";
  element = $("writer-panel");
  output = $("written");
  #prompt = $("prompt");
  #sampling = new Sampling($("writer-panel"), { most: 100 });
  #stop = new Stop($("writer-panel"), $("prompt"));

  /** `changed()` asks for the current text to be continued. */
  constructor(changed) {
    onSend(this.element, changed);
    onClear(this.element, this.#prompt, changed);
    const examples = EXAMPLES.map((text) => [text, text]);
    offer(this.element, examples, (text) => {
      this.#prompt.value = text;
      changed();
    });
  }

  show() {}

  /** The request for the text, or null when there is none. */
  request({ name }) {
    if (!this.#prompt.value) return null;
    return textRequest(name, this.#prompt.value, { parameters: this.#sampling.huggingFace, stream: true });
  }

  clear() {
    const hint = "The text and how it goes on appear here, word by word.";
    this.output.replaceChildren(el("p", { className: "small", textContent: hint }));
  }

  get begun() {
    return Boolean(this.output.querySelector(".continuation")?.textContent);
  }

  async answer(request, signal) {
    const { inputs } = JSON.parse(request.body);
    const continuation = el("span", { className: "continuation writing" });
    const text = el("p", { className: "text", dir: "auto" }, el("span", { className: "prompt", textContent: inputs }));
    text.append(continuation);
    this.output.replaceChildren(text);
    let details;
    const told = ({ token, details: last }) => {
      details = last;
      if (!token.special) continuation.append(token.text);
      return true;
    };
    try {
      const reply = await this.#stop.during((stop) => follow(request, { signal, stop }, told));
      if (!details && !reply.stopped) throw new Problem("The answer broke off", "The gateway did not tell its end.");
      const { finish_reason: finish, seed } = details ?? {};
      const ending = endingOf({ stopped: reply.stopped, finish, tokens: reply.written.tokens, seed });
      this.output.append(el("p", { className: "small", textContent: ending }));
      return { reply, sentence: `${continuation.textContent} – ${ending}` };
    } finally {
      continuation.classList.remove("writing");
    }
  }
}
