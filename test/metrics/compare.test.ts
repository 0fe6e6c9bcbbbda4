/** Runs compared on the same pictures. */
import { describe, expect, it } from "vitest";
import { compareDistances, compareMeans } from "../../src/metrics/compare.ts";
import { kernelDistance } from "../../src/metrics/kid.ts";
import { rows } from "../features/drawn.ts";

const some = [...rows("values", 40, 1).values];
const noise = [...rows("noise", 40, 1).values].map((v) => v - 0.125);
const same = (value: number) => value;

describe("means", () => {
  it("differ surely where every picture differs by the same, and the better one depends on the metric", () => {
    const more = some.map((v) => v + 0.01);
    const [first, second] = compareMeans([some, more], same);
    expect(first!.difference).toBeUndefined();
    expect(second!.difference!.interval.low).toBeCloseTo(0.01, 6);
    expect(second!.difference!.interval.high).toBeCloseTo(0.01, 6);
    expect(second!.verdict).toBe("worse");
    expect(compareMeans([some, more], (v) => -v)[1]!.verdict).toBe("better");
    // The runs' own intervals overlap almost wholly: only the pairs show the difference.
    expect(first!.interval!.high).toBeGreaterThan(second!.interval!.low);
  });

  it("do not differ where the pictures differ at random", () => {
    const [, second] = compareMeans([some, some.map((v, i) => v + noise[i]!)], same);
    expect(second!.verdict).toBe("unclear");
    expect(second!.difference!.interval.low).toBeLessThan(0);
  });

  it("leave out a picture that is not defined for one of two runs", () => {
    const [, second] = compareMeans([some, some.map((v, i) => (i === 7 ? Number.POSITIVE_INFINITY : v + 0.5))], same);
    expect(second!.difference!.value).toBeCloseTo(0.5, 6);
    expect(second!.difference!.interval.high).toBeCloseTo(0.5, 6);
  });

  it("repeat by their seed", () => {
    const of = (seed: number) => compareMeans([some, noise], same, { seed, number: 200 });
    expect(of(1)).toEqual(of(1));
    expect(of(1)[1]!.interval).not.toEqual(of(2)[1]!.interval);
  });
});

describe("kernel distances", () => {
  const targets = rows("targets of a comparison", 30, 8);
  const shifted = (by: number, samples = 1) => {
    const values = Float32Array.from({ length: 30 * samples * 8 }, (_, at) => {
      const [picture, feature] = [Math.floor(at / 8 / samples), at % 8];
      return targets.values[picture * 8 + feature]! + by * (1 + 0.1 * Math.sin(at));
    });
    return { count: 30 * samples, size: 8, values };
  };

  it("are KID of all pictures; outputs that are farther off are worse", () => {
    const [near, far] = compareDistances([shifted(0.1), shifted(0.3)], targets, 30, { number: 300 });
    expect(near!.value).toBeCloseTo(kernelDistance(shifted(0.1), targets).mean, 12);
    expect(far!.verdict).toBe("worse");
    expect(far!.difference!.interval.low).toBeLessThan(far!.difference!.value);
    expect(far!.difference!.interval.high).toBeGreaterThan(far!.difference!.value);
  });

  it("draw all samples of a picture together, and take a reference of another size as it is", () => {
    const [, far] = compareDistances([shifted(0.1, 2), shifted(0.3, 2)], targets, 30, { number: 200 });
    expect(far!.verdict).toBe("worse");
    const [, other] = compareDistances([shifted(0.1), shifted(0.1)], rows("reference", 50, 8), 30, { number: 200 });
    expect(other!.verdict).toBe("unclear");
    expect(other!.difference!.value).toBe(0);
  });
});
