/** The place of `at`, whole or between pixels, in a row that is mirrored at its ends, without a repeated end: ... 2 1 0 1 2 ... */
export function mirrored(at: number, size: number): number {
  if (at >= 0 && at <= size - 1) return at;
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const place = Math.abs(at) % period;
  return place <= size - 1 ? place : period - place;
}
