// The microphone, and the tape that runs along.

// What is made for calls, and takes away of what is said.
const AUDIO = { channelCount: 1, echoCancellation: false, noiseSuppression: false };

/** An open microphone. `rate` is how many samples per second it hears. */
export class Microphone {
  #stream;
  #context;
  #most;
  #blocks = []; // the newest last
  #heard = 0; // samples, with those that are not kept any more
  #kept = 0;

  /** Keeps what is heard in the last `most_s` seconds. Throws what browsers do. */
  static async open(most_s) {
    const microphone = new Microphone();
    microphone.#stream = await navigator.mediaDevices.getUserMedia({ audio: AUDIO });
    try {
      microphone.#context = new AudioContext();
      microphone.#most = most_s * microphone.rate;
      await microphone.#listen();
    } catch (error) {
      microphone.close();
      throw error;
    }
    return microphone;
  }

  async #listen() {
    const context = this.#context;
    await context.audioWorklet.addModule("/web/tap.js");
    const tap = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
    tap.port.onmessage = ({ data }) => this.#keep(data);
    context.createMediaStreamSource(this.#stream).connect(tap).connect(context.destination); // which hears silence
    await context.resume();
  }

  get rate() {
    return this.#context.sampleRate;
  }

  /** How long it has been open, by what it heard. */
  get heard_s() {
    return this.#heard / this.rate;
  }

  /** What was heard in the last seconds, Float32Array `[samples]`, or as much as there is. */
  last(seconds) {
    const samples = new Float32Array(Math.min(Math.round(seconds * this.rate), this.#kept));
    let free = samples.length;
    for (let i = this.#blocks.length - 1; free > 0; i -= 1) {
      const block = this.#blocks[i].subarray(Math.max(0, this.#blocks[i].length - free));
      free -= block.length;
      samples.set(block, free);
    }
    return samples;
  }

  close() {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#context?.close();
  }

  #keep(block) {
    this.#blocks.push(block);
    this.#heard += block.length;
    this.#kept += block.length;
    while (this.#kept - this.#blocks[0].length >= this.#most) this.#kept -= this.#blocks.shift().length;
  }
}

/** Why there is no microphone, in words. */
export function whyNone(error) {
  if (!navigator.mediaDevices) return "Browsers open the microphone only to pages from localhost or by HTTPS.";
  switch (error.name) {
    case "NotAllowedError":
      return "The browser does not let this page use the microphone.";
    case "NotFoundError":
      return "There is no microphone.";
    default:
      return `The microphone cannot be used: ${error.message}`;
  }
}
