// Which panel asks a model for what. A new task adds its panel here.

import { ChatPanel } from "/web/chat-panel.js";
import { DetectionPanel } from "/web/detection-panel.js";
import { FacesPanel } from "/web/faces-panel.js";
import { LabelsPanel } from "/web/labels-panel.js";
import { PictureInput } from "/web/picture-input.js";
import { PicturePanel } from "/web/picture-panel.js";
import { SentencesPanel } from "/web/sentences-panel.js";
import { SoundInput } from "/web/sound-input.js";
import { SoundPanel } from "/web/sound-panel.js";
import { TextPanel } from "/web/text-panel.js";
import { TranscriptionPanel } from "/web/transcription-panel.js";
import { TranslationPanel } from "/web/translation-panel.js";
import { WriterPanel } from "/web/writer-panel.js";

/**
 * By the names of what a model can be asked for; of several the first is shown first.
 *
 * A panel holds one input, and shows its answers in a place of its own in the card. It has: `element` and `output`,
 * those two; `show(model)`, which adapts it to a model; `request(model)`, the request for its input or null while that
 * is empty; `clear(model)`, which shows that nothing was asked; `answer(request, signal)`, which asks, shows, and
 * resolves to the `reply` of `api.js`, a `sentence` for who does not see it, and the `labels` if it has any. Where a
 * model has several, `way` names it. A `deliberate` one asks only when told to, its answers come in `pieces`, "tokens" or
 * "words", and `begun` says whether there is something of one. One that has `leave()` is told so when it is left. It
 * calls `changed()` when there is something new to ask.
 */
export function createPanels(changed) {
  const picture = new PictureInput(changed);
  const sound = new SoundInput(changed);
  return {
    "image-classification": new PicturePanel(picture),
    "object-detection": new DetectionPanel(picture, changed),
    faces: new FacesPanel(changed),
    "automatic-speech-recognition": new TranscriptionPanel(sound, changed),
    "audio-classification": new SoundPanel(sound),
    "text-classification": new TextPanel(changed),
    "sentence-similarity": new SentencesPanel(changed),
    "zero-shot-classification": new LabelsPanel(changed),
    "chat-completion": new ChatPanel(changed),
    "text-generation": new WriterPanel(changed),
    translation: new TranslationPanel(changed),
  };
}
