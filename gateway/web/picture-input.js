// The picture that a model is asked about: drawn, dropped, pasted or chosen.

import { $, after, el } from "/web/dom.js";
import { onFile } from "/web/dropping.js";
import { SKETCHES } from "/web/sketch-examples.js";
import { Sketch } from "/web/sketch.js";

const PACE_MS = 80; // between two requests while a digit is drawn

/**
 * What the panels for pictures share, so that two models can be asked about the same one.
 *
 * Answers while you draw: as long as the pen is down one question is under way at a time, so that drawing on does not
 * end every question before its answer. Any other change asks at once.
 */
export class PictureInput {
  element = $("picture-panel");
  #changed;
  #sketch;
  #sketchable = false;
  #file = null;
  #asking = false;
  #dirty = false;

  /** `changed()` asks for the current picture and resolves when that is answered or superseded. */
  constructor(changed) {
    this.#changed = changed;
    this.#sketch = new Sketch($("sketch"), () => this.#sketched());
    for (const [digit, strokes] of Object.entries(SKETCHES)) {
      const button = el("button", { type: "button", textContent: digit, ariaLabel: `Draw a ${digit}` });
      button.addEventListener("click", () => this.#draw(strokes));
      $("sketch-buttons").append(button);
    }
    $("undo").addEventListener("click", () => this.#sketch.undo());
    $("clear").addEventListener("click", () => this.#draw([]));
    $("choose").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", ({ target }) => {
      if (target.files[0]) this.#take(target.files[0], { onDisk: true });
      target.value = "";
    });
    onFile($("stage"), (file, where) => this.#take(file, where));
    this.#arrange();
  }

  /** Adapts to a model: only digits are drawn, every other picture is brought. */
  show({ task, manifest }) {
    this.#sketchable = manifest.processing.form === "digit";
    $("threshold-choice").hidden = task !== "object-detection";
    this.#arrange();
  }

  /** The file that was brought: `{blob, name, onDisk}`, or null. */
  get file() {
    return this.#file;
  }

  /** What is drawn, as a blob, or null. */
  async drawing() {
    return this.#sketchable && !this.#file && !this.#sketch.empty ? this.#sketch.png() : null;
  }

  #sketched() {
    this.#arrange();
    if (!this.#sketch.drawing) return this.#changed();
    this.#dirty = true;
    if (!this.#asking) this.#askWhileDrawing();
  }

  async #askWhileDrawing() {
    this.#asking = true;
    try {
      while (this.#dirty) {
        this.#dirty = false;
        await this.#changed();
        await after(PACE_MS);
      }
    } finally {
      this.#asking = false;
    }
  }

  #take(blob, { onDisk }) {
    const file = { blob, name: onDisk ? blob.name : `pasted-${blob.name}`, onDisk };
    this.#file = file;
    this.#arrange();
    preview(file, () => this.#file === file);
    this.#changed();
  }

  #draw(strokes) {
    this.#file = null;
    this.#sketch.draw(strokes);
  }

  #arrange() {
    const drawing = this.#sketchable && !this.#file;
    $("sketch").hidden = !drawing;
    $("preview").hidden = !this.#file;
    $("file-name").hidden = !this.#file;
    $("file-name").textContent = this.#file?.name ?? "";
    $("undo").hidden = !this.#sketchable;
    $("undo").disabled = !drawing || this.#sketch.empty;
    $("clear").disabled = !this.#file && this.#sketch.empty;
    $("sketch-examples").hidden = !this.#sketchable;
    $("stage-hint").textContent = this.#sketchable ? "Draw a digit, or drop a picture" : "Drop or paste a picture";
    $("stage-hint").hidden = Boolean(this.#file) || (drawing && !this.#sketch.empty);
  }
}

/** Shows a picture whole on the preview canvas; what the browser cannot decode leaves it blank. */
async function preview({ blob }, isCurrent) {
  const canvas = $("preview");
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.width = side;
  canvas.height = side;
  const picture = await createImageBitmap(blob).catch(() => null);
  if (!picture || !isCurrent()) return;
  const scale = Math.min(side / picture.width, side / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  canvas.getContext("2d").drawImage(picture, (side - width) / 2, (side - height) / 2, width, height);
  picture.close();
}
