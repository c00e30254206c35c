// Which panel asks a model of which task. A new task adds its panel here.

import { PicturePanel } from "/web/picture-panel.js";
import { TextPanel } from "/web/text-panel.js";

/**
 * A panel holds one input and has: `element`; `show(model)`, which adapts it to a model; `request(model)`, the request
 * for its input or null while it is empty; `answer(body)`, the ranked `{label, score}` in a reply's body.
 * It calls `changed()` when there is something new to ask.
 */
export function createPanels(changed) {
  return {
    "image-classification": new PicturePanel(changed),
    "text-classification": new TextPanel(changed),
  };
}
