// A drawing area for mouse, finger and pen. Strokes are kept as points in 0…1, so that it can be resized and undone.

const PEN = 0.07; // of the side
const EXPORT_SIDE = 112; // pixels: four times what a digit needs, and about a kilobyte as PNG

export class Sketch {
  #canvas;
  #changed;
  #strokes = [];
  #drawing = false;

  /** `changed()` is called after every change of the drawing. */
  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#changed = changed;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#extend(event));
    canvas.addEventListener("lostpointercapture", () => (this.#drawing = false));
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
  }

  get empty() {
    return this.#strokes.length === 0;
  }

  /** Whether the pen is down, so that more changes will follow at once. */
  get drawing() {
    return this.#drawing;
  }

  /** Replaces the drawing. A stroke is a list of points `[x, y]` in 0…1; none clears it. */
  draw(strokes) {
    this.#strokes = strokes.map((stroke) => [...stroke]);
    this.#update();
  }

  undo() {
    this.draw(this.#strokes.slice(0, -1));
  }

  /** The drawing as a PNG, black on white whatever the theme. */
  png() {
    const canvas = new OffscreenCanvas(EXPORT_SIDE, EXPORT_SIDE);
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, EXPORT_SIDE, EXPORT_SIDE);
    trace(context, this.#strokes, EXPORT_SIDE, "black");
    return canvas.convertToBlob({ type: "image/png" });
  }

  #begin(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drawing = true;
    this.#strokes.push([this.#point(event)]);
    this.#update();
  }

  #extend(event) {
    if (!this.#drawing || !event.isPrimary || this.empty) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    this.#strokes.at(-1).push(...(moves.length ? moves : [event]).map((move) => this.#point(move)));
    this.#update();
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #update() {
    this.#paint();
    this.#changed();
  }

  #fit() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    this.#canvas.width = side;
    this.#canvas.height = side;
    this.#paint();
  }

  #paint() {
    const context = this.#canvas.getContext("2d");
    const side = this.#canvas.width;
    context.clearRect(0, 0, side, side);
    trace(context, this.#strokes, side, getComputedStyle(this.#canvas).color);
  }
}

/** Draws strokes as smooth lines: quadratic curves through the middles between points. */
function trace(context, strokes, side, colour) {
  Object.assign(context, { lineWidth: PEN * side, lineCap: "round", lineJoin: "round", strokeStyle: colour });
  for (const stroke of strokes) {
    const points = stroke.map(([x, y]) => [x * side, y * side]);
    context.beginPath();
    context.moveTo(...points[0]);
    points.slice(1, -1).forEach(([x, y], i) => {
      const [nextX, nextY] = points[i + 2];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    });
    context.lineTo(...points.at(-1));
    context.stroke();
  }
}
