// What the panels for texts share: how a form is sent, its examples, its numbers.

import { el } from "/web/dom.js";

/** `send()` is called when the form is submitted, or by Ctrl+Enter in a field of it. */
export function onSend(form, send) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  });
}

/** `clear()` is called by the form's button for it, and the field is where to go on. */
export function onClear(form, field, clear) {
  form.querySelector(".clear").addEventListener("click", () => {
    field.value = "";
    field.focus();
    clear();
  });
}

/** A button for each of the examples, by its name; `take(example)` is called with what one stands for. */
export function offer(form, examples, take) {
  const place = form.querySelector(".examples");
  const shown = [...place.querySelectorAll("button")].map(({ textContent }) => textContent);
  place.hidden = examples.length === 0;
  if (shown.join("\n") === examples.map(([name]) => name).join("\n")) return; // who is at one of them stays there
  const buttons = examples.map(([name, example]) => {
    const button = el("button", { type: "button", textContent: name, dir: "auto" });
    button.addEventListener("click", () => take(example));
    return button;
  });
  place.querySelector("span").replaceChildren(...buttons);
}

/** A field for a number, with its label. */
export function numberField(label, value, hint = "") {
  const input = el("input", { type: "text", inputMode: "decimal", value, placeholder: hint, autocomplete: "off" });
  return [el("label", { className: "eyebrow" }, label, input), input];
}

/** What a field for a number says; undefined when empty. What is no number goes as it is, to be refused in words. */
export function numberIn(input) {
  const text = input.value.trim();
  if (!text) return undefined;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}
