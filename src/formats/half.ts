/** IEEE 754 half precision (binary16) and back, as bits in a Uint16Array. */

/** The nearest halves, ties to even; values beyond 65504 become infinite. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) halves[i] = halfOf(bits[i]!);
  return halves;
}

/** @param all the bits of a float */
function halfOf(all: number): number {
  const sign = (all >>> 16) & 0x8000;
  const exponent = ((all >>> 23) & 0xff) - 127;
  const fraction = all & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  // A half has 10 bits of fraction, and below 2^-14 fewer, without the leading 1.
  const shift = exponent >= -14 ? 13 : Math.min(25, -exponent - 1);
  const whole = exponent >= -14 ? ((exponent + 15) << 23) | fraction : fraction | 0x800000;
  const low = whole & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  const kept = whole >>> shift;
  const rounded = kept + (low > middle || (low === middle && kept & 1) ? 1 : 0);
  return sign | Math.min(rounded, 0x7c00);
}

/** Values by the bits of a half, made at first use: a network has millions of halves. */
let table: Float32Array | undefined;

/** The values of halves; each is exact. */
export function fromHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, half) => valueOfHalf(half));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}
