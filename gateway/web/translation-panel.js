// The panel for texts in one language that are shown in another.

import { ask } from "/web/api.js";
import { $, el } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { textRequest } from "/web/request.js";

const SEARCH = "beam"; // the signature that looks for the best of several

const EXAMPLES = {
  en: ["Good morning, how are you?", "Where is the nearest train station?", "I have lost my keys."],
};

export class TranslationPanel {
  element = $("translation-panel");
  output = $("translated");
  #text = $("source");
  #changed;
  #target = "";

  /** `changed()` asks for the current text. */
  constructor(changed) {
    this.#changed = changed;
    onSend(this.element, changed);
    onClear(this.element, this.#text, changed);
    $("beams").addEventListener("change", () => this.#text.value && changed());
  }

  show({ manifest: { processing, signatures } }) {
    this.#target = processing.target;
    this.#text.lang = processing.source;
    this.element.querySelector(`label[for="${this.#text.id}"]`).textContent = languageName(processing.source);
    const most = SEARCH in signatures ? processing.beams : 1;
    const chosen = Math.min(Number($("beams").value) || 1, most);
    const choices = Array.from({ length: most }, (_, i) => el("option", { value: i + 1, textContent: beams(i + 1) }));
    $("beams").replaceChildren(...choices);
    $("beams").value = chosen;
    $("beams-choice").hidden = most === 1;
    const examples = (EXAMPLES[processing.source] ?? []).map((text) => [text, text]);
    offer(this.element, examples, (text) => {
      this.#text.value = text;
      this.#changed();
    });
  }

  /** The request for the text, or null when there is none. */
  request({ name }) {
    if (!this.#text.value) return null;
    const wanted = Number($("beams").value);
    const parameters = { generate_parameters: { num_beams: wanted } };
    return textRequest(name, this.#text.value, wanted > 1 ? { parameters } : {});
  }

  clear() {
    this.#show("–", "idle");
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    const [{ translation_text: text }] = reply.body;
    this.#show(text, "");
    return { reply, sentence: text };
  }

  #show(text, className) {
    const language = el("p", { className: "eyebrow", textContent: languageName(this.#target) });
    const words = el("p", { className: `text ${className}`, lang: this.#target, dir: "auto", textContent: text });
    this.output.replaceChildren(language, words);
  }
}

const beams = (count) => (count === 1 ? "word by word" : `best of ${count}`);

/** A language's English name, or the code itself. */
function languageName(code) {
  return new Intl.DisplayNames(["en"], { type: "language", fallback: "code" }).of(code);
}
