// An audio worklet that hands what a microphone hears to the page, in blocks.

const BLOCK = 2048; // samples

class Tap extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;

  process([[samples]]) {
    if (!samples) return true; // nothing is connected yet
    this.#block.set(samples, this.#filled);
    this.#filled += samples.length;
    if (this.#filled === BLOCK) {
      this.port.postMessage(this.#block);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("tap", Tap);
