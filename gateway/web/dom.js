// Small helpers over the document. Text from servers enters only as text nodes.

export const $ = (id) => document.getElementById(id);

/** A new element with properties and children; strings become text nodes. */
export function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A promise for `milliseconds` from now. */
export const after = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
