/** The Fourier transform of small squares. */

/** Width and height. */
export const fourierSize = 64;
const size = fourierSize;
const bits = Math.log2(size);

const cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
const sines = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
/** Each index with its bits in reverse order. */
const reversed = Array.from({ length: size }, (_, i) => {
  let out = 0;
  for (let bit = 0; bit < bits; bit++) out |= ((i >> bit) & 1) << (bits - 1 - bit);
  return out;
});

/** The forward transform of [size, size] complex values in place, without a factor (Cooley and Tukey 1965, radix 2). */
export function fourier(real: Float64Array, imaginary: Float64Array): void {
  for (let line = 0; line < size; line++) along(real, imaginary, line * size, 1);
  for (let line = 0; line < size; line++) along(real, imaginary, line, size);
}

/** One line of values, from `start` on in steps of `stride`. */
function along(real: Float64Array, imaginary: Float64Array, start: number, stride: number): void {
  for (let i = 0; i < size; i++) {
    const j = reversed[i]!;
    if (j <= i) continue;
    const [p, q] = [start + i * stride, start + j * stride];
    const [r, m] = [real[p]!, imaginary[p]!];
    real[p] = real[q]!;
    imaginary[p] = imaginary[q]!;
    real[q] = r;
    imaginary[q] = m;
  }
  for (let half = 1; half < size; half *= 2) {
    const turn = size / (2 * half);
    for (let block = 0; block < size; block += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [c, s] = [cosines[k * turn]!, sines[k * turn]!];
        const p = start + (block + k) * stride;
        const q = p + half * stride;
        const r = real[q]! * c + imaginary[q]! * s;
        const m = imaginary[q]! * c - real[q]! * s;
        real[q] = real[p]! - r;
        imaginary[q] = imaginary[p]! - m;
        real[p] = real[p]! + r;
        imaginary[p] = imaginary[p]! + m;
      }
    }
  }
}
