// How loud a recording is at which pitch and when, on the mel scale.

const SIZE = 512; // samples of a frame
const FLOOR_DB = 70; // below the loudest, from where on all is silence
const MOST_FRAMES = 4; // of a column, whose mean it is
const HANN = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));

/** Loudness in 0…1, `[columns * bands]`, the deepest band of the first column first. */
export function melPicture(samples, rate, columns, bands) {
  const filters = triangles(rate, bands);
  const frames = Math.max(1, Math.min(MOST_FRAMES, Math.ceil(samples.length / columns / SIZE)));
  const power = new Float32Array(columns * bands);
  const real = new Float32Array(SIZE);
  const imaginary = new Float32Array(SIZE);
  for (let column = 0; column < columns; column += 1) {
    for (let frame = 0; frame < frames; frame += 1) {
      const middle = (samples.length * (column + (frame + 0.5) / frames)) / columns;
      const start = Math.round(middle) - SIZE / 2;
      for (let i = 0; i < SIZE; i += 1) real[i] = HANN[i] * (samples[start + i] ?? 0);
      imaginary.fill(0);
      transform(real, imaginary);
      filters.forEach((filter, band) => {
        for (const [bin, weight] of filter) {
          power[column * bands + band] += (weight * (real[bin] ** 2 + imaginary[bin] ** 2)) / frames;
        }
      });
    }
  }
  const loudest = power.reduce((most, value) => Math.max(most, value), 0);
  if (loudest === 0) return power;
  return power.map((value) => Math.max(0, 1 + (10 * Math.log10(value / loudest)) / FLOOR_DB));
}

/** Of each band the bins of the transform with their weights: triangles that are equally wide on the mel scale. */
function triangles(rate, bands) {
  const mel = (hz) => 2595 * Math.log10(1 + hz / 700);
  const step = mel(rate / 2) / (bands + 1);
  return Array.from({ length: bands }, (_, band) => {
    const weights = [];
    for (let bin = 1; bin < SIZE / 2; bin += 1) {
      const weight = 1 - Math.abs(mel((bin * rate) / SIZE) / step - band - 1);
      if (weight > 0) weights.push([bin, weight]);
    }
    const middle = 700 * (10 ** (((band + 1) * step) / 2595) - 1);
    return weights.length ? weights : [[Math.max(1, Math.round((middle * SIZE) / rate)), 1]]; // narrower than a bin
  });
}

/** The fast Fourier transform by halves, in place. */
function transform(real, imaginary) {
  for (let i = 1, j = 0; i < SIZE; i += 1) {
    let bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let half = 1; half < SIZE; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      const cosine = Math.cos((Math.PI * k) / half);
      const sine = -Math.sin((Math.PI * k) / half);
      for (let i = k; i < SIZE; i += 2 * half) {
        const j = i + half;
        const re = real[j] * cosine - imaginary[j] * sine;
        const im = real[j] * sine + imaginary[j] * cosine;
        [real[j], imaginary[j]] = [real[i] - re, imaginary[i] - im];
        [real[i], imaginary[i]] = [real[i] + re, imaginary[i] + im];
      }
    }
  }
}
