// Why the answer is what it is: the words of a text coloured by their weight, or the picture with its heat-map.

import { Problem, explain } from "/web/api.js";
import { $, el } from "/web/dom.js";

let explained = null; // the request that the button asks about

/** Offers to explain the answer to a request of `request.js`; null takes the offer and what was shown back. */
export function offerWhy(request) {
  explained = request;
  $("explain").hidden = !request;
  $("why").hidden = true;
}

async function show() {
  const request = explained;
  const shown = await explain(request)
    .then((answer) => (answer instanceof Blob ? picture(answer) : text(answer, JSON.parse(request.body).inputs)))
    .catch((error) => {
      if (!(error instanceof Problem)) throw error;
      return el("p", { className: "small", textContent: error.detail });
    });
  if (request !== explained) return; // something else was asked meanwhile
  $("why").replaceChildren(shown);
  $("why").hidden = false;
}

/** The text as it was sent; what speaks for the label is tinted, what speaks against it is alarming. */
function text({ tokens }, sent) {
  const letters = [...sent]; // offsets count code points
  const heaviest = Math.max(...tokens.map(({ weight }) => Math.abs(weight)), Number.MIN_VALUE);
  const line = el("p", { className: "weights" });
  let done = 0;
  for (const { start, end, weight } of tokens) {
    const title = `${weight > 0 ? "+" : ""}${weight.toFixed(2)}`;
    const mark = el("mark", { title, className: weight < 0 ? "against" : "" }, letters.slice(start, end).join(""));
    mark.style.setProperty("--share", `${Math.round((60 * Math.abs(weight)) / heaviest)}%`);
    line.append(letters.slice(done, start).join(""), mark);
    done = end;
  }
  line.append(letters.slice(done).join(""));
  return line;
}

/** On a canvas: the page loads pictures from nowhere. */
async function picture(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = el("canvas", { width: bitmap.width, height: bitmap.height, role: "img" });
  canvas.ariaLabel = "The picture; what speaks for the label is yellow to red.";
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

$("explain").addEventListener("click", show);
