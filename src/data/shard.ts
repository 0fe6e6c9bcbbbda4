/** A part of a list of files, for work that several machines share. */
import { byCodeUnit } from "./listing.ts";

/** One of `count` parts; `index` is 1 to count. */
export interface Shard {
  index: number;
  count: number;
}

/**
 * The items of a part. The parts of one list are disjoint and together the whole, and their sizes differ by one at most.
 * Only the names decide, not the order of the list: each part is every `count`-th name in the order of code units.
 * @param nameOf names that differ, such as relative paths
 * @returns the items in the order of the list
 */
export function partOf<T>(items: readonly T[], nameOf: (item: T) => string, { index, count }: Shard): T[] {
  const names = items.map(nameOf).sort(byCodeUnit);
  const own = new Set(names.filter((_, i) => i % count === index - 1));
  return items.filter((item) => own.has(nameOf(item)));
}
