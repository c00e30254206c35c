// Pictures with boxes around what was found in them.

const MOST_PIXELS = 1200; // of a side of the picture as it is shown

/** A bitmap, or nothing, with boxes around `things`; on a canvas, for the page loads pictures from nowhere. */
export function showPicture(canvas, picture, things, hue, sentence) {
  canvas.hidden = !picture;
  if (!picture) return;
  const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.ariaLabel = `The picture with boxes around what was found: ${sentence}`;
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const unit = Math.max(canvas.width / Math.max(1, canvas.clientWidth), 0.5); // of the canvas in a pixel of the page
  for (const thing of [...things].reverse()) drawBox(context, thing, scale, unit, hue(thing.label));
}

function drawBox(context, { label, score, box: { xmin, ymin, xmax, ymax } }, scale, unit, hue) {
  const [left, top, width, height] = [xmin, ymin, xmax - xmin, ymax - ymin].map((side) => side * scale);
  const colour = `hsl(${hue} 70% 30%)`;
  context.lineWidth = 5 * unit;
  context.strokeStyle = "white"; // around the line, that it is seen on any picture
  context.strokeRect(left, top, width, height);
  context.lineWidth = 3 * unit;
  context.strokeStyle = colour;
  context.strokeRect(left, top, width, height);
  const text = `${label} ${percent(score)}`;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const wide = context.measureText(text).width + 12 * unit;
  const high = 20 * unit;
  const x = Math.max(0, Math.min(left, context.canvas.width - wide));
  const y = top >= high ? top - high : Math.min(top, context.canvas.height - high);
  context.fillStyle = colour;
  context.fillRect(x, y, wide, high);
  context.fillStyle = "white";
  context.textBaseline = "middle";
  context.fillText(text, x + 6 * unit, y + high / 2);
}

export const percent = (score) => `${(100 * score).toFixed(1)} %`;
