// The card with the curl line of the current request, to copy.

import { $, after, el } from "/web/dom.js";
import { curl } from "/web/request.js";

const SHOWN_MS = 1600; // how long the button says what it did

/** Shows the line for a request of `request.js`, or that there is none yet. */
export function showRequest(request) {
  const pieces = request ? curl(request, location.origin) : ["Ask something, and the line to repeat it appears here."];
  const shorten = (text) => el("span", { className: "long", textContent: text });
  $("curl").replaceChildren(...pieces.map((piece) => (piece.long ? shorten(piece.long) : piece)));
  $("curl").classList.toggle("idle", !request);
  $("copy").disabled = !request;
  showSave(request);
}

/** What was pasted or recorded has no file yet: the line needs one. */
function showSave(request) {
  const save = $("save");
  URL.revokeObjectURL(save.href);
  save.hidden = !request?.unsaved;
  if (save.hidden) return;
  const { blob, name } = request.unsaved;
  Object.assign(save, { href: URL.createObjectURL(blob), download: name, textContent: `Save ${name}` });
}

async function copy() {
  const code = $("curl");
  try {
    await navigator.clipboard.writeText(code.textContent);
    $("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code); // pages from plain-HTTP hosts other than localhost get no clipboard
    $("copy").textContent = "Selected: press Ctrl+C";
  }
  await after(SHOWN_MS);
  $("copy").textContent = "Copy";
}

$("copy").addEventListener("click", copy);
