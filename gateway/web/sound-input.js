// The recording that a model is asked about: dropped, pasted, chosen, recorded, or what the microphone hears now.

import { $, after } from "/web/dom.js";
import { onFile } from "/web/dropping.js";
import { Microphone, whyNone } from "/web/microphone.js";
import { drawMel, drawWaveform } from "/web/sound-picture.js";
import { RATE, decoded, resampled, wav } from "/web/sound.js";

const MOST_S = 500; // of a recording: 16 MB, as much as a gateway takes unless it is told otherwise
const MOST_BYTES = 32 * 2 ** 20; // of a file that is looked at: as samples an MP3 is twenty times as large
const LIVE_S = 6; // that are shown of what the microphone hears,
const LIVE_MS = 100; // so often
const WINDOW_S = 1.5; // that a model hears at a time while it listens: a word with something around it
const STEP_S = 0.25; // from one window to the next, at least
const LOOK_MS = 20; // between two looks whether there is so much

/**
 * What the panels for recordings share, so that two models can be asked about the same one.
 *
 * While it listens one window is asked about at a time: who answers slowly hears fewer of them, and never late ones.
 */
export class SoundInput {
  element = $("sound-panel");
  player = $("player");
  shown = Promise.resolve(); // when the recording is, as far as the browser knows it
  #changed;
  #model = null;
  #file = null;
  #samples = new Float32Array(0); // that are shown
  #open = null; // `{button, done}` while the microphone is used

  /** `changed()` asks for the current recording and resolves when that is answered or superseded. */
  constructor(changed) {
    this.#changed = changed;
    onFile($("sound-stage"), (blob, { onDisk }) => this.#bring(blob, onDisk));
    $("choose-sound").addEventListener("click", () => $("sound-file").click());
    $("sound-file").addEventListener("change", ({ target }) => {
      if (target.files[0]) this.#bring(target.files[0], true);
      target.value = "";
    });
    $("clear-sound").addEventListener("click", () => {
      this.#take(null);
      changed();
    });
    $("record").addEventListener("click", () => this.#use($("record"), (...open) => this.#record(...open)));
    $("listen").addEventListener("click", () => this.#use($("listen"), (...open) => this.#listen(...open)));
    $("pictures").addEventListener("click", (event) => this.#seek(event));
    this.player.addEventListener("timeupdate", () => this.#showPlace());
    new ResizeObserver(() => this.#draw()).observe($("pictures"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    this.#arrange();
  }

  /** Adapts to a model: only what labels recordings can listen all the time. */
  show({ name, task }) {
    if (name !== this.#model) this.leave();
    this.#model = name;
    $("listen").hidden = task !== "audio-classification";
  }

  /** Closes the microphone; what is being recorded is lost. */
  leave() {
    this.#open = null;
    this.#arrange();
  }

  /** The recording: `{blob, name, onDisk}`, with `until_s` if it is a window of what is heard; or null. */
  get file() {
    return this.#file;
  }

  /** How long the recording is; undefined if the browser does not know. */
  get seconds() {
    return this.#samples.length ? this.#samples.length / RATE : undefined;
  }

  /** Plays from so many seconds on. */
  play(from_s) {
    this.player.currentTime = from_s;
    this.player.play().catch(() => {}); // there are formats it does not know
  }

  async #bring(blob, onDisk) {
    const file = { blob, name: onDisk ? blob.name : `pasted-${blob.name}`, onDisk };
    this.#take(file);
    if (blob.size <= MOST_BYTES) this.shown = this.#look(file);
    this.#changed();
  }

  async #look(file) {
    const samples = await decoded(file.blob);
    if (file === this.#file && samples) this.#show(samples);
  }

  /** Another recording, or none. */
  #take(file, samples = new Float32Array(0)) {
    this.#file = file;
    URL.revokeObjectURL(this.player.src);
    this.player.removeAttribute("src");
    if (file) this.player.src = URL.createObjectURL(file.blob);
    this.leave();
    this.#show(samples);
  }

  /** Opens the microphone until the button is pressed again, or something else is done. */
  async #use(button, hear) {
    if (this.#open?.button === button) {
      this.#open.done = true;
      return;
    }
    this.player.pause();
    $("microphone-fault").hidden = true;
    const open = (this.#open = { button, done: false });
    this.#arrange();
    try {
      const microphone = await Microphone.open(button === $("listen") ? LIVE_S : MOST_S);
      try {
        await hear(microphone, open);
      } finally {
        microphone.close();
      }
    } catch (error) {
      $("microphone-fault").textContent = whyNone(error);
      $("microphone-fault").hidden = false;
    } finally {
      if (open === this.#open) this.leave();
    }
  }

  async #record(microphone, open) {
    while (this.#isOpen(open) && microphone.heard_s < MOST_S) await this.#showLive(microphone, open, "Recording");
    if (open !== this.#open) return;
    const samples = await resampled(microphone.last(MOST_S), microphone.rate);
    if (open !== this.#open || !samples?.length) return;
    this.#take({ blob: wav(samples), name: "recording.wav", onDisk: false }, samples);
    this.#changed();
  }

  /** Asks about one window after the other; the last one stays as a recording. */
  async #listen(microphone, open) {
    const shown = this.#showListening(microphone, open);
    let samples = null;
    for (let until_s = 0; this.#isOpen(open); ) {
      if (microphone.heard_s - until_s < STEP_S) {
        await after(LOOK_MS);
        continue;
      }
      until_s = microphone.heard_s;
      samples = await resampled(microphone.last(WINDOW_S), microphone.rate);
      if (!samples || !this.#isOpen(open)) break;
      this.#file = { blob: wav(samples), name: "window.wav", onDisk: false, until_s };
      await this.#changed();
    }
    await shown;
    if (this.#file?.until_s === undefined) return;
    const file = { ...this.#file, until_s: undefined };
    if (this.#open && this.#open !== open) this.#file = file; // something else uses the microphone by now
    else this.#take(file, samples ?? undefined);
  }

  async #showListening(microphone, open) {
    while (this.#isOpen(open)) await this.#showLive(microphone, open, "Listening");
  }

  #isOpen(open) {
    return open === this.#open && !open.done;
  }

  async #showLive(microphone, open, what) {
    const samples = await resampled(microphone.last(LIVE_S), microphone.rate);
    if (this.#isOpen(open) && samples) this.#show(samples);
    if (this.#isOpen(open)) $("sound-name").textContent = `${what}, ${microphone.heard_s.toFixed(1)} s`;
    await after(LIVE_MS);
  }

  #show(samples) {
    this.#samples = samples;
    this.#draw();
  }

  #draw() {
    drawWaveform($("waveform"), this.#samples);
    drawMel($("mel"), this.#samples);
    $("waveform").ariaLabel = this.#samples.length ? `Waveform of ${this.seconds.toFixed(1)} s` : "No waveform yet";
    this.#showPlace();
  }

  #seek({ clientX }) {
    const { left, width } = $("pictures").getBoundingClientRect();
    if (this.player.duration > 0) this.player.currentTime = ((clientX - left) / width) * this.player.duration;
  }

  #showPlace() {
    const { currentTime, duration } = this.player;
    $("playhead").hidden = this.#open !== null || !(currentTime > 0);
    $("playhead").style.left = `${(100 * currentTime) / duration}%`;
  }

  #arrange() {
    const used = this.#open?.button;
    $("record").textContent = used === $("record") ? "Stop recording" : "Record";
    $("listen").textContent = used === $("listen") ? "Stop listening" : "Listen";
    for (const button of [$("record"), $("listen")]) button.classList.toggle("primary", used === button);
    this.player.hidden = !this.#file || Boolean(used);
    $("sound-hint").hidden = Boolean(this.#file || used);
    $("sound-name").textContent = used ? "Waiting for the microphone" : (this.#file?.name ?? "");
    $("clear-sound").disabled = !this.#file && !used;
    this.#showPlace();
  }
}
