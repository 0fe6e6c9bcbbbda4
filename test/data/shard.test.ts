/** Parts of a list: disjoint and together the whole, whatever the order. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { partOf } from "../../src/data/shard.ts";

const lists = fc.uniqueArray(fc.string(), { maxLength: 60 });

it("every name is in one part, parts differ by one at most, and keep the order of the list", () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat()), (names, count, keys) => {
      const shuffled = [...names]
        .map((name) => ({ name, key: keys.next().value! }))
        .sort((a, b) => a.key - b.key)
        .map(({ name }) => name);
      const parts = Array.from({ length: count }, (_, i) => partOf(names, String, { index: i + 1, count }));
      const others = Array.from({ length: count }, (_, i) => partOf(shuffled, String, { index: i + 1, count }));
      expect(parts.flat().sort()).toEqual([...names].sort());
      expect(others.map((part) => [...part].sort())).toEqual(parts.map((part) => [...part].sort()));
      for (const part of parts) expect(part).toEqual(names.filter((name) => part.includes(name)));
      const sizes = parts.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

it("takes every n-th name in the order of code units", () => {
  const names = ["b", "B", "a/2", "a/10", "\u00e4"];
  expect([1, 2, 3].map((index) => partOf(names, String, { index, count: 3 }))).toEqual([
    ["b", "B"],
    ["a/10", "\u00e4"],
    ["a/2"],
  ]);
});
