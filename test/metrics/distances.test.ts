/** FID and KID of features against pytorch-fid and torch-fidelity, and what they are built of. */
import { describe, expect, it } from "vitest";
import { interval, resamples, weightedMean } from "../../src/metrics/bootstrap.ts";
import { frechetDistance, moments } from "../../src/metrics/fid.ts";
import { discrepancy, kernelDistance, kernelsOf } from "../../src/metrics/kid.ts";
import { symmetricEigenvalues, traceOfRoot } from "../../src/metrics/matrices.ts";
import { NumpyRandom } from "../../src/metrics/numpy-random.ts";
import { expected, rows } from "../features/drawn.ts";

const outputs = rows("outputs", 60, 32);
const targets = rows("targets", 80, 32);
for (let at = 0; at < targets.values.length; at++) if ((at % 32) % 3 === 0) targets.values[at]! += 0.125;

const relative = (got: number, wanted: number) => Math.abs(got / wanted - 1);

describe("FID", () => {
  it.each(["pytorch-fid", "torch-fidelity"])("is that of %s", (tool) => {
    const got = frechetDistance(moments(outputs), moments(targets));
    expect(relative(got, expected.fid[tool])).toBeLessThan(1e-5);
    expect(relative(frechetDistance(moments(targets), moments(outputs)), expected.fid[tool])).toBeLessThan(1e-5);
  });

  it.each(["pytorch-fid", "torch-fidelity"])("of fewer pictures than features is that of %s", (tool) => {
    const got = frechetDistance(moments(rows("wide outputs", 12, 300)), moments(rows("wide targets", 15, 300)));
    expect(relative(got, expected.wide[tool])).toBeLessThan(1e-3);
  });

  it("of a set and itself is 0", () => {
    const same = moments(targets);
    expect(Math.abs(frechetDistance(same, same))).toBeLessThan(1e-6);
  });
});

describe("KID", () => {
  it.each([
    [25, 2020],
    [60, 7],
  ])("with subsets of %i and the seed %i is that of torch-fidelity", (subsetSize, seed) => {
    const [mean, std] = expected.kid[`size ${subsetSize}, seed ${seed}`];
    const got = kernelDistance(outputs, targets, { subsets: 20, subsetSize, seed });
    expect(relative(got.mean, mean)).toBeLessThan(1e-5);
    expect(relative(got.std, std)).toBeLessThan(1e-4);
  });

  it("draws NumPy's subsets", () => {
    expect([...new NumpyRandom(2020).choice(1000, 8)]).toEqual(expected.choice);
  });

  it("of all pictures has the jackknife's error, from its definition", () => {
    const [a, b] = [rows("few outputs", 9, 5), rows("few targets", 9, 5)];
    const without = (set: typeof a, i: number) => ({
      ...set,
      count: set.count - 1,
      values: set.values.filter((_, at) => Math.floor(at / set.size) !== i),
    });
    const squares = (each: number[]) => {
      const mean = each.reduce((x, y) => x + y, 0) / each.length;
      return each.reduce((x, y) => x + (y - mean) ** 2, 0) * ((each.length - 1) / each.length);
    };
    const nine = Array.from({ length: 9 }, (_, i) => i);
    const variance =
      squares(nine.map((i) => discrepancy(kernelsOf(without(a, i), b)))) +
      squares(nine.map((i) => discrepancy(kernelsOf(a, without(b, i)))));
    const got = kernelDistance(a, b);
    expect(got.mean).toBeCloseTo(discrepancy(kernelsOf(a, b)), 12);
    expect(got.error).toBeCloseTo(Math.sqrt(variance), 12);
  });

  it("its error by subsets, of more than 2000 pictures, is near that by the jackknife of as many", () => {
    const moved = ({ values, ...rest }: ReturnType<typeof rows>) => ({ ...rest, values: values.map((v) => v + 0.3) });
    const sets = (count: number) => [rows("many outputs", count, 2), moved(rows("many targets", count, 2))] as const;
    const by = (count: number) => kernelDistance(...sets(count), { subsets: 40, subsetSize: 200 }).error;
    expect(relative(by(2001), by(2000))).toBeLessThan(0.4);
  });
});

describe("bad sets", () => {
  it("are refused with a sentence", () => {
    const one = rows("one", 1, 32);
    expect(() => moments(one)).toThrow("FID and KID compare sets of at least two pictures; the pictures are 1");
    expect(() => kernelDistance(one, targets)).toThrow("the outputs are 1");
    expect(() => kernelDistance(rows("narrow", 4, 8), targets)).toThrow(
      "the sets have 8 and 32 features a picture: they are of different networks",
    );
    expect(() => kernelDistance(outputs, targets, { subsetSize: 61 })).toThrow(
      "a subset of 61 pictures: the sets have 60 and 80, expected 2 to 60",
    );
    const bad = { ...outputs, values: outputs.values.with(70, Number.NaN) };
    expect(() => moments(bad, "the outputs")).toThrow("feature 6 of picture 3 of the outputs is NaN");
  });
});

describe("matrices", () => {
  it("eigenvalues of a known matrix: 2 - 2 cos(k pi / (n + 1))", () => {
    const n = 60;
    // The second difference, in a basis that no zero survives.
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      a[i * n + i] = 2;
      if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
    }
    const v = Array.from({ length: n }, (_, i) => Math.sin(3 * i + 1));
    const length = v.reduce((sum, x) => sum + x * x, 0);
    const reflect = (m: Float64Array) =>
      m.map((_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let dot = 0;
        for (let k = 0; k < n; k++) dot += v[k]! * m[k * n + j]!;
        return m[at]! - (2 * v[i]! * dot) / length;
      });
    const transposed = (m: Float64Array) => m.map((_, at) => m[(at % n) * n + Math.floor(at / n)]!);
    const turned = reflect(transposed(reflect(a)));
    const got = [...symmetricEigenvalues(turned, n)].sort((x, y) => x - y);
    got.forEach((value, k) => {
      expect(value).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 11);
    });
  });

  it("the trace of a root of diagonal matrices, singular ones too", () => {
    const diagonal = (...values: number[]) =>
      Float64Array.from({ length: 25 }, (_, at) => (at % 6 === 0 ? values[at / 6]! : 0));
    expect(traceOfRoot(diagonal(4, 0, 9, 1, 16), diagonal(1, 5, 4, 0, 0.25), 5)).toBeCloseTo(2 + 6 + 2, 12);
    expect(traceOfRoot(diagonal(0, 0, 0, 0, 0), diagonal(1, 5, 4, 0, 0.25), 5)).toBe(0);
  });
});

describe("the paired bootstrap", () => {
  it("covers the mean of normal values in about 95 of 100 cases, and repeats by its seed", () => {
    const times = resamples(40, 500, 3);
    expect(times.every((each) => each.reduce((a, b) => a + b, 0) === 40)).toBe(true);
    expect(resamples(40, 500, 3)).toEqual(times);
    let covered = 0;
    for (let i = 0; i < 200; i++) {
      const values = [...rows(`sample ${i}`, 40, 1).values];
      // The mean of max(0, u - 1/2) is 1/8.
      const { low, high } = interval(times, (each) => weightedMean(values, each));
      if (low <= 0.125 && high >= 0.125) covered++;
    }
    expect(covered).toBeGreaterThan(176);
    expect(covered).toBeLessThan(199);
  });

  it("a discrepancy of a resample is that of the pictures of it, without pairs of one picture", () => {
    const kernels = kernelsOf(outputs, targets);
    const all = new Uint16Array(60).fill(1);
    const some = all.map((_, i) => (i < 30 ? 2 : 0));
    const half = { ...outputs, count: 30, values: outputs.values.slice(0, 30 * 32) };
    expect(discrepancy(kernels, all)).toBeCloseTo(discrepancy(kernels), 12);
    expect(discrepancy(kernels, some)).toBeCloseTo(discrepancy(kernelsOf(half, targets)), 12);
  });
});
