// How a language model chooses its words: the settings of a panel, and the button that stops it.

import { numberField, numberIn } from "/web/form.js";

export class Sampling {
  #temperature;
  #topP;
  #most;
  #seed;

  /** Puts the fields into the form's place for settings. */
  constructor(form, { most }) {
    const fields = [
      numberField("Temperature", "0.7"),
      numberField("Top-p", "0.9"),
      numberField("Max tokens", String(most)),
      numberField("Seed", "", "any"),
    ];
    form.querySelector(".settings").append(...fields.map(([label]) => label));
    [this.#temperature, this.#topP, this.#most, this.#seed] = fields.map(([, input]) => input);
  }

  /** As whoever made the model recommends it; what stands there stays where nobody does. */
  recommend(drawing) {
    if (!drawing) return;
    this.#temperature.value = String(drawing.temperature);
    this.#topP.value = String(drawing.top_p ?? 1);
  }

  /** In OpenAI's words. */
  get openai() {
    return {
      temperature: numberIn(this.#temperature),
      top_p: numberIn(this.#topP),
      max_tokens: numberIn(this.#most),
      seed: numberIn(this.#seed),
    };
  }

  /** In Hugging Face's, where temperature 0 is to say nothing of it. */
  get huggingFace() {
    const { temperature, top_p, max_tokens, seed } = this.openai;
    return { ...(temperature === 0 ? {} : { temperature, top_p }), max_new_tokens: max_tokens, seed };
  }
}

/** The form's button that ends what is being written: shown as long as something is. */
export class Stop {
  #button;
  #field;
  #ending = null;

  /** `field` is where to go on when the button goes. */
  constructor(form, field) {
    this.#button = form.querySelector(".stop");
    this.#field = field;
    this.#button.addEventListener("click", () => this.#ending?.abort());
  }

  get offered() {
    return this.#ending !== null;
  }

  /** Runs `write(signal)` and offers to stop it meanwhile. */
  async during(write) {
    const ending = (this.#ending = new AbortController());
    this.#button.hidden = false;
    try {
      return await write(ending.signal);
    } finally {
      if (this.#ending === ending) this.#withdraw();
    }
  }

  #withdraw() {
    this.#ending = null;
    const focused = document.activeElement === this.#button;
    this.#button.hidden = true;
    if (focused) this.#field.focus();
  }
}

/** Why a text ended, in words; `finish` in either dialect's. */
export function endingOf({ stopped, finish, tokens, seed }) {
  const why = stopped ? "Stopped" : finish === "length" ? `Cut after ${tokens} tokens` : "Came to its end";
  return seed === null || seed === undefined ? `${why}.` : `${why}. Seed ${seed} writes it again.`;
}
