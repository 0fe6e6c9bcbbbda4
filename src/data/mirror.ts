/** The position 0..size-1 of `at` in a row that is mirrored at its ends, without a repeated end: ... 2 1 0 1 2 ... */
export function mirrored(at: number, size: number): number {
  if (at >= 0 && at < size) return at;
  const period = Math.max(1, 2 * (size - 1));
  const place = ((at % period) + period) % period;
  return place < size ? place : period - place;
}
