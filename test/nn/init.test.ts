/** Initial weights against torch.nn.init: standard deviations (fixtures/make/init.py), and orthogonality. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Shape, sizeOf } from "../../src/graph/graph.ts";
import { type Init, initialise, inits } from "../../src/nn/init.ts";
import { Random } from "../../src/random.ts";
import { dot } from "../graph/evaluate.ts";
import { fixture } from "../paths.ts";

interface Expected {
  shape: number[];
  gain: number;
  xavier: number;
  kaiming: number;
}
const expected: Expected[] = JSON.parse(readFileSync(fixture("init.json"), "utf8"));

function drawn(init: Init, shape: Shape, gain: number, seed = 1): Float32Array {
  const out = new Float32Array(sizeOf(shape));
  init.fill(new Random(seed, "init", 0), out, shape, gain);
  return out;
}

/** Standard deviation, and the share of values beyond it: .317 of a normal distribution. */
function moments(values: Float32Array): { std: number; beyond: number } {
  const std = Math.sqrt(dot(values, values) / values.length);
  return { std, beyond: values.filter((v) => Math.abs(v) > std).length / values.length };
}

describe.each(expected)("weights $shape, gain $gain", ({ shape, gain, ...deviations }) => {
  it.each([
    ["normal", gain],
    ["xavier", deviations.xavier],
    ["kaiming", deviations.kaiming],
  ] as const)("%s: normal, of standard deviation %f", (name, want) => {
    const { std, beyond } = moments(drawn(inits[name], shape, gain));
    // Four standard errors of a standard deviation, and of a share.
    expect(Math.abs(std / want - 1)).toBeLessThan(4 / Math.sqrt(2 * sizeOf(shape)));
    expect(Math.abs(beyond - 0.3173)).toBeLessThan((4 * 0.466) / Math.sqrt(sizeOf(shape)));
  });
});

describe("orthogonal", () => {
  it.each([
    ["wide", [16, 3, 4, 4]],
    ["tall", [70, 4, 3, 3]],
    ["square", [64, 4, 4, 4]],
    ["one row", [1, 8, 4, 4]],
    ["one column", [5, 1, 1, 1]],
  ])("%s: the shorter side's vectors are at right angles and as long as the gain", (_, shape) => {
    const [rows, columns] = [shape[0]!, sizeOf(shape) / shape[0]!];
    const w = drawn(inits.orthogonal, shape, 0.7);
    const row = (i: number) => w.subarray(i * columns, (i + 1) * columns);
    const column = (j: number) => Float32Array.from({ length: rows }, (_, i) => w[i * columns + j]!);
    const vectors = Array.from({ length: Math.min(rows, columns) }, (_, i) => (rows <= columns ? row(i) : column(i)));
    for (const [i, a] of vectors.entries()) {
      for (const [j, b] of vectors.entries()) {
        expect(Math.abs(dot(a, b) - (i === j ? 0.49 : 0)), `${i} ${j}`).toBeLessThan(1e-6);
      }
    }
  });

  it("is the Q of the normal matrix it is drawn from, with a positive diagonal of R", () => {
    const shape = [6, 2, 2, 2];
    const [normal, q] = [inits.normal, inits.orthogonal].map((init) => drawn(init, shape, 1));
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 6; j++) {
        // R' = normal Q': below its diagonal it is zero, on it positive.
        const r = dot(normal!.subarray(8 * i, 8 * i + 8), q!.subarray(8 * j, 8 * j + 8));
        if (j > i) expect(Math.abs(r), `${i} ${j}`).toBeLessThan(1e-5);
        if (j === i) expect(r).toBeGreaterThan(0);
      }
    }
  });
});

describe("biases", () => {
  it.each([
    // torch.nn.Conv2d(4, 16, 3) and ConvTranspose2d(16, 4, 3): both read the second axis of the weight as inputs.
    ["a convolution", [16, 4, 3, 3], 16],
    ["a transposed convolution", [16, 4, 3, 3], 4],
  ])("of %s: uniform up to 1 / sqrt(36), as PyTorch's default", (_, weightShape, count) => {
    const draw = (seed: number) => {
      const out = new Float32Array(count);
      const how = { init: inits.normal, gain: 0.02, seed, network: "netG", bias: "uniform" as const };
      initialise(out, { shape: [count], role: "bias", name: "conv.bias" }, how, weightShape);
      return out;
    };
    const values = Array.from({ length: 4000 / count }, (_, seed) => [...draw(seed)]).flat();
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1 / 6);
    expect(Math.max(...values)).toBeGreaterThan(0.16);
    expect(Math.min(...values)).toBeLessThan(-0.16);
    const std = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(std * 6 * Math.sqrt(3)).toBeCloseTo(1, 1);
  });
});
