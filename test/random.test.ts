import { describe, expect, test } from "vitest";
import { fnv1a, philox4x32, Random } from "../src/random.ts";

describe("philox4x32", () => {
  // Random123, tests/kat_vectors, the lines "philox4x32 10": counter, key, output.
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("known answer for counter %j, key %j", (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox4x32(out, counter[0]!, counter[1]!, counter[2]!, counter[3]!, key[0]!, key[1]!);
    expect([...out]).toEqual(expected);
  });

  test("every word of the counter and the key counts", () => {
    const outputs = new Set<string>();
    for (let word = -1; word < 6; word++) {
      const [c0, c1, c2, c3, k0, k1] = Array.from({ length: 6 }, (_, i) => (i === word ? 1 : 0));
      const out = new Uint32Array(4);
      philox4x32(out, c0!, c1!, c2!, c3!, k0!, k1!);
      outputs.add([...out].join());
    }
    expect(outputs.size).toBe(7);
  });
});

// Published values of FNV-1a, 32 bits (draft-eastlake-fnv, appendix C).
test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("fnv1a(%j)", (text, hash) => {
  expect(fnv1a(text)).toBe(hash);
});

describe("Random", () => {
  test("seed 0, stream 0, step 0 starts with the first known answer", () => {
    const random = new Random(0, 0, 0);
    expect([random.uint32(), random.uint32(), random.uint32(), random.uint32()]).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
  });

  test("seed, stream and step each give other numbers, also above 2^32 and below 0", () => {
    const seeds = [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, -1, -(2 ** 32)];
    const first = [
      ...seeds.map((seed) => new Random(seed, "x", 0).uint32()),
      ...["y", "order", "augment", 7].map((stream) => new Random(0, stream, 0).uint32()),
      ...[1, 2 ** 32, 2 ** 32 + 1].map((step) => new Random(0, "x", step).uint32()),
    ];
    expect(new Set(first).size).toBe(first.length);
    expect(new Random(-1, "x", 3).uint32()).toBe(new Random(-1, "x", 3).uint32());
  });

  test("refuses a seed or step that would be rounded", () => {
    expect(() => new Random(0.5, "x", 0)).toThrow("seed: expected a whole number up to 2^53, got 0.5.");
    expect(() => new Random(0, "x", -1)).toThrow("got -1");
    expect(() => new Random(2 ** 53, "x", 0)).toThrow("seed");
  });

  test("float is in [0, 1), with mean 1/2 and variance 1/12", () => {
    const random = new Random(3, "float", 0);
    const n = 200_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const value = random.float();
      if (!(value >= 0 && value < 1)) throw new Error(`${value} is outside [0, 1)`);
      sum += value;
      squares += (value - 0.5) ** 2;
    }
    expect(Math.abs(sum / n - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
    expect(Math.abs(squares / n - 1 / 12)).toBeLessThan(0.001);
  });

  test("int is even over 0..n-1", () => {
    const random = new Random(4, "int", 0);
    const counts = new Array<number>(31).fill(0);
    const n = 310_000;
    for (let i = 0; i < n; i++) counts[random.int(31)]!++;
    const chi2 = counts.reduce((sum, c) => sum + (c - n / 31) ** 2 / (n / 31), 0);
    expect(chi2).toBeLessThan(59.7); // the 99.9 % point of chi2 with 30 degrees of freedom
  });

  test("int of a large range repeats draws in the uneven rest instead of folding them", () => {
    // 3 * 2^30: folding 2^32 words onto it would give the lowest third twice the share of the others.
    const random = new Random(5, "int", 0);
    let low = 0;
    for (let i = 0; i < 30_000; i++) if (random.int(3 * 2 ** 30) < 2 ** 30) low++;
    expect(Math.abs(low - 10_000)).toBeLessThan(400);
    expect(() => random.int(0)).toThrow("n is 1 to 2^32, got 0");
  });

  test("permutation holds every index once; all orders of three are equally likely", () => {
    expect([...new Random(1, "order", 0).permutation(400)].sort((a, b) => a - b)).toEqual([...Array(400).keys()]);
    const counts = new Map<string, number>();
    for (let step = 0; step < 6000; step++) {
      const key = new Random(1, "order", step).permutation(3).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(125);
    expect(new Random(0, "order", 0).permutation(0)).toHaveLength(0);
  });

  test("normal is Box-Muller of the stream's words to 1e-11", () => {
    const words = new Random(9, "normal", 2);
    const random = new Random(9, "normal", 2);
    for (let i = 0; i < 20_000; i++) {
      const radius = Math.sqrt(-2 * Math.log((words.uint32() + 1) / 2 ** 32));
      const b = words.uint32();
      const turn = (b >>> 30) / 4 + (b % 2 ** 30) / 2 ** 32 - 1 / 8;
      expect(Math.abs(random.normal() - radius * Math.cos(2 * Math.PI * turn))).toBeLessThan(1e-11);
      expect(Math.abs(random.normal() - radius * Math.sin(2 * Math.PI * turn))).toBeLessThan(1e-11);
    }
  });

  test("fillNormal is normal() over and over, at any length", () => {
    for (const length of [0, 1, 2, 3, 5, 1001, 40_003]) {
      const out = new Float32Array(length);
      new Random(7, "init", 1).fillNormal(out, 0.5, 0.02);
      const random = new Random(7, "init", 1);
      expect([...out]).toEqual(Array.from({ length }, () => Math.fround(0.5 + 0.02 * random.normal())));
    }
  });

  test("fillNormal writes only its own view", () => {
    const whole = new Float32Array(16);
    new Random(7, "init", 1).fillNormal(whole.subarray(4, 9), 0, 1);
    expect([...whole].map((v) => v !== 0)).toEqual([...whole].map((_, i) => i >= 4 && i < 9));
  });

  test("normals have the normal distribution (Kolmogorov-Smirnov) and the moments asked for", () => {
    const n = 1_000_000;
    const out = new Float32Array(n);
    new Random(0, "netG", 0).fillNormal(out, 0, 0.02);
    const moment = (k: number) => out.reduce((sum, v) => sum + (v / 0.02) ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.004);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.006);
    expect(Math.abs(moment(3))).toBeLessThan(0.016);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.04);
    // Shares below these points, from tables of the normal distribution.
    for (const [z, share] of [
      [-3, 0.0013499],
      [-2, 0.0227501],
      [-1, 0.1586553],
      [0.5, 0.6914625],
      [1.96, 0.9750021],
    ] as const) {
      const below = out.reduce((count, v) => count + (v / 0.02 < z ? 1 : 0), 0) / n;
      expect(Math.abs(below - share)).toBeLessThan((4 * Math.sqrt(share * (1 - share))) / Math.sqrt(n));
    }
  });

  test("fillDropout is 0 for each word below p of all, at any length", () => {
    for (const [length, p] of [
      [0, 0.5],
      [1, 0.5],
      [37, 0.1],
      [40_003, 0.5],
    ] as const) {
      const out = new Float32Array(length + 2).fill(-1);
      new Random(7, "mask", 3).fillDropout(out.subarray(1, -1), p);
      const random = new Random(7, "mask", 3);
      const expected = Array.from({ length }, () => (random.float() < p ? 0 : Math.fround(1 / (1 - p))));
      expect([...out]).toEqual([-1, ...expected, -1]);
    }
  });

  test("fillDropout gives 0 with probability p, else 1 / (1 - p)", () => {
    const out = new Float32Array(100_001);
    new Random(0, "dropout", 5).fillDropout(out, 0.2);
    expect(new Set(out)).toEqual(new Set([0, 1.25]));
    const zeros = out.filter((v) => v === 0).length;
    expect(Math.abs(zeros / out.length - 0.2)).toBeLessThan(0.005);
    new Random(0, "dropout", 5).fillDropout(out, 0);
    expect(out.every((v) => v === 1)).toBe(true);
    expect(() => new Random(0, "dropout", 0).fillDropout(out, 1)).toThrow("below 1, got 1");
  });
});
