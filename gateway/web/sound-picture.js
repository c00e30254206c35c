// Pictures of a recording: its waveform, and how loud it is at which pitch.

import { melPicture } from "/web/mel.js";
import { RATE } from "/web/sound.js";

const BANDS = 64;
const MOST_COLUMNS = 480;

/** Of `samples` at `RATE`, in the colours of the page. */
export function drawWaveform(canvas, samples) {
  const context = fitted(canvas);
  const { width, height } = canvas;
  context.fillStyle = getComputedStyle(canvas).color;
  for (let x = 0; x < width; x += 1) {
    const from = Math.floor((x * samples.length) / width);
    const until = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / width));
    let [low, high] = [0, 0];
    for (let i = from; i < until; i += 1) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    const top = ((1 - high) * height) / 2;
    context.fillRect(x, top, 1, Math.max(devicePixelRatio, ((high - low) * height) / 2));
  }
}

/** The same in bands of the mel scale, the deepest below. */
export function drawMel(canvas, samples) {
  const context = fitted(canvas);
  const columns = Math.min(MOST_COLUMNS, canvas.width);
  const loudness = melPicture(samples, RATE, columns, BANDS);
  const [wide, high] = [canvas.width / columns, canvas.height / BANDS];
  context.fillStyle = getComputedStyle(canvas).color;
  loudness.forEach((value, i) => {
    const [column, band] = [Math.floor(i / BANDS), i % BANDS];
    context.globalAlpha = value;
    context.fillRect(column * wide, canvas.height - (band + 1) * high, Math.ceil(wide), Math.ceil(high));
  });
}

/** An empty canvas of the size at which it is shown, at least one pixel. */
function fitted(canvas) {
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  return canvas.getContext("2d");
}
