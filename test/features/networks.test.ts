/** Feature networks with drawn weights against lpips, their pools and the resizing of pictures; the large ones are in networks.long.test.ts. */
import { describe, expect, it } from "vitest";
import { featureNetworks } from "../../src/features/networks.ts";
import { type FeatureResizeName, featureInput } from "../../src/features/resizes.ts";
import { gradient } from "../../src/graph/gradient.ts";
import type { Tensor } from "../../src/graph/graph.ts";
import { averagePool, maxPool } from "../../src/graph/ops/pooling.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { functionOf } from "../graph/evaluate.ts";
import { difference, expected, picture, uniform } from "./drawn.ts";
import { sameDistances } from "./extractors.ts";

const { alexnet, squeezenet } = featureNetworks;

describe("pools of PyTorch", () => {
  const pools: Record<string, (x: Tensor) => Tensor> = {
    "max 3 2 ceil": (x) => maxPool(x, { kernel: 3, stride: 2, ceil: true }),
    "max 2 2 ceil": (x) => maxPool(x, { kernel: 2, stride: 2, ceil: true }),
    "max 3 1 pad": (x) => maxPool(x, { kernel: 3, stride: 1, pad: 1 }),
    "average 3 1 pad": (x) => averagePool(x, { kernel: 3, stride: 1, pad: 1 }),
    "average 3 1 pad counted": (x) => averagePool(x, { kernel: 3, stride: 1, pad: 1, countPad: true }),
    "average 3 2 pad": (x) => averagePool(x),
    // Many values are equal: the first of the largest has the gradient.
    "gradient of max 3 2": (x) => gradient(sum(maxPool(x, { kernel: 3, stride: 2 })), [x])[0]!,
  };
  it.each(Object.keys(pools))("%s", async (name) => {
    const x = Float32Array.from(uniform("pools", 2 * 3 * 7 * 9), (v) => Math.round(8 * v - 4));
    const { call } = await functionOf([[2, 3, 7, 9]], ([t]) => [pools[name]!(t!)]);
    expect(difference((await call([x]))[0]!, expected.pools[name])).toBeLessThan(1e-6);
  });
});

it.each(["clean-fid 13", "pytorch-fid 13", "pytorch-fid 40", "torch-fidelity 13", "torch-fidelity 40"])(
  "resizes as %s",
  (title) => {
    const [name, side] = title.split(" ") as [FeatureResizeName, string];
    const { values } = featureInput(picture(0, 20, 31), { side: Number(side), scaling: "inception" }, name);
    const shift = name === "pytorch-fid" ? 127.5 : 128;
    const plane = Number(side) ** 2;
    const wanted = expected.resized[title] ?? expected.resized[name];
    const got = wanted.map((_: number, i: number) => values[(i % 3) * plane + Math.floor(i / 3)]! * shift + shift);
    expect(difference(got, wanted)).toBeLessThan(2e-5);
  },
);

describe("LPIPS", () => {
  it.each([
    ["alexnet", alexnet],
    ["squeezenet", squeezenet],
  ] as const)("on %s is that of lpips", sameDistances);
});
