// Commands in a stream of windows, each of which is told once.

/** Labels that say that there is no command: the names by which `kmaas train audio-classifier` knows them. */
const NOTHING = ["silence", "unknown", "background", "noise", "other"];

/**
 * Scores of overlapping windows to commands. A label is told when it has a score of `on` or more in `windows` of them
 * in a row. It is told again only after its score was below `off`, and nothing is for `rest_s` seconds after a command.
 */
export class Spotter {
  #bounds;
  #held = null; // the label that was told last, until its score was below `off`
  #spotted_s = -Infinity;
  #run = { label: null, windows: 0 };

  constructor({ on = 0.7, off = 0.4, windows = 2, rest_s = 0.8 } = {}) {
    this.#bounds = { on, off, windows, rest_s };
  }

  /** `labels` are the `{label, score}` of a window that ends at `at_s`. Returns `{label, score, at_s}`, or null. */
  hear(at_s, labels) {
    const { on, off, windows, rest_s } = this.#bounds;
    const scores = new Map(labels.map(({ label, score }) => [label, score]));
    if ((scores.get(this.#held) ?? 0) < off) this.#held = null;
    const { label, score } = labels.reduce((one, other) => (other.score > one.score ? other : one));
    if (score < on || NOTHING.includes(label)) {
      this.#run = { label: null, windows: 0 };
      return null;
    }
    this.#run = { label, windows: label === this.#run.label ? this.#run.windows + 1 : 1 };
    if (this.#run.windows < windows || label === this.#held || at_s - this.#spotted_s < rest_s) return null;
    this.#held = label;
    this.#spotted_s = at_s;
    return { label, score, at_s };
  }
}
