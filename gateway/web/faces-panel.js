// The panel for two pictures with a face each: whether these are of one person.

import { ask } from "/web/api.js";
import { percent, showPicture } from "/web/boxes.js";
import { $, el } from "/web/dom.js";
import { formRequest } from "/web/request.js";

const HUES = { true: 174, false: 28 }; // of boxes, by whether the persons are the same
const PLACES = ["first", "second"];

export class FacesPanel {
  way = "Same person?";
  element = $("faces-panel");
  output = $("match");
  #files = {}; // by the place: `{blob, name}`

  /** `changed()` asks about the current pictures. */
  constructor(changed) {
    for (const place of PLACES) {
      const field = $(`${place}-face`);
      field.addEventListener("change", () => {
        const [blob] = field.files;
        this.#files[place] = blob ? { blob, name: blob.name } : undefined;
        changed();
      });
    }
    this.element.querySelector(".clear").addEventListener("click", () => {
      this.#files = {};
      for (const place of PLACES) $(`${place}-face`).value = "";
      changed();
    });
  }

  show() {}

  /** The request for both pictures; null while one is missing. */
  request({ name: model }) {
    const { first, second } = this.#files;
    return first && second ? formRequest("/v1/faces/verify", { first, second }, { model }) : null;
  }

  clear() {
    for (const place of PLACES) $(`${place}-match`).hidden = true;
    $("match-best").hidden = true;
    $("match-rates").replaceChildren();
    $("match-none").hidden = false;
  }

  async answer(request, signal) {
    const reply = await ask(request, signal);
    const { same_person: same, distance, threshold, faces } = reply.body;
    const verdict = same ? "The same person" : "Two persons";
    const told = `distance ${distance.toFixed(3)}, ${same ? "below" : "not below"} ${threshold}`;
    const files = PLACES.map((place) => request.files[place].blob);
    const pictures = await Promise.all(files.map((blob) => createImageBitmap(blob).catch(() => null)));
    if (!signal.aborted) {
      for (const [number, place] of PLACES.entries()) {
        const things = [{ label: "face", ...faces[number] }];
        showPicture($(`${place}-match`), pictures[number], things, () => HUES[same], `the face of the ${place} picture`);
      }
      $("match-verdict").textContent = verdict;
      $("match-distance").textContent = told;
      $("match-best").hidden = false;
      $("match-none").hidden = true;
      $("match-rates").replaceChildren(...ratesOf(reply.body).map((textContent) => el("li", { textContent })));
    }
    for (const picture of pictures) picture?.close();
    return { reply, sentence: `${verdict}: ${told}` };
  }
}

/** How often it was wrong when that was measured, in words: of few people it says little. */
function ratesOf({ false_accepts: accepts, false_rejects: rejects }) {
  return [
    [accepts, "of two persons were taken for one"],
    [rejects, "of one person were taken for two"],
  ]
    .filter(([rate]) => rate)
    .map(([{ value, low, high, pairs }, what]) => {
      const wrong = Math.round(value * pairs);
      const sure = high === null ? "" : ` (95 %: ${percent(low)} to ${percent(high)})`;
      return `${wrong} of ${pairs} pairs ${what}${sure}`;
    });
}
