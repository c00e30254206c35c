// The panel for labels that somebody thinks of, chosen from by a model of vectors.

import { ask } from "/web/api.js";
import { $ } from "/web/dom.js";
import { offer, onClear, onSend } from "/web/form.js";
import { clearRanking, showRanking } from "/web/ranking.js";
import { textRequest } from "/web/request.js";

const EXAMPLES = {
  "A match": {
    text: "The keeper saved two penalties and the cup went north.",
    labels: "sports, politics, cooking, science",
  },
  "A recipe": {
    text: "Let the onions turn golden before the stock goes in.",
    labels: "sports, politics, cooking, science",
  },
  "A complaint": {
    text: "My parcel came a week late, and the box was open.",
    labels: "delivery, price, opening hours, praise",
  },
};

export class LabelsPanel {
  way = "Own labels";
  element = $("labels-panel");
  output = $("result");
  #text = $("labelled");

  /** `changed()` asks for the current text and labels. */
  constructor(changed) {
    onSend(this.element, changed);
    onClear(this.element, this.#text, changed);
    $("several").addEventListener("change", () => this.#text.value && changed());
    offer(this.element, Object.entries(EXAMPLES), ({ text, labels }) => {
      this.#text.value = text;
      $("candidates").value = labels;
      changed();
    });
  }

  show() {}

  /** The request for text and labels, or null without a text. */
  request({ name }) {
    if (!this.#text.value) return null;
    const parameters = {
      candidate_labels: this.#labels,
      hypothesis_template: $("template").value || undefined,
      multi_label: $("several").checked || undefined,
    };
    return textRequest(name, this.#text.value, { parameters });
  }

  clear() {
    clearRanking(this.#labels.length || 1);
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    return { reply, sentence: showRanking(reply.body, { several: $("several").checked }) };
  }

  get #labels() {
    return $("candidates")
      .value.split(",")
      .map((label) => label.trim())
      .filter(Boolean);
  }
}
