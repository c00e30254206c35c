// Recordings to samples and back.

export const RATE = 16_000; // samples per second of all that the page shows and records

/** What a file sounds like, mono, Float32Array `[samples]`; null if the browser cannot decode it. */
export async function decoded(blob) {
  try {
    const context = new OfflineAudioContext(1, 1, RATE);
    const buffer = await context.decodeAudioData(await blob.arrayBuffer()); // with a filter before the rate is changed
    return mean(Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i)));
  } catch {
    return null;
  }
}

/** The same at `RATE`. */
export async function resampled(samples, rate) {
  return rate === RATE ? samples : decoded(wav(samples, rate));
}

function mean(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
}

/** A WAV file, 16 bits of one channel. */
export function wav(samples, rate = RATE) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, Math.round(32_767 * Math.max(-1, Math.min(1, value))), true));
  return new Blob([view], { type: "audio/wav" });
}
