/** Feature networks with drawn weights, compared with values of the field's tools. */
import { expect, onTestFinished } from "vitest";
import { FeatureExtractor } from "../../src/features/extractor.ts";
import type { FeatureNetwork } from "../../src/features/network.ts";
import type { FeatureResizeName } from "../../src/features/resizes.ts";
import type { StoredTensor } from "../../src/formats/safetensors.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { difference, expected, linear, picture, stored, weight, weights } from "./drawn.ts";

const platform = await nodePlatform();

/** The features of both pictures are those of the tool. */
export async function sameFeatures(network: FeatureNetwork, tool: string, resize: FeatureResizeName): Promise<void> {
  const extractor = await open(network, resize);
  for (const [i, p] of [picture(0, 200, 160), picture(1, 320, 400)].entries()) {
    const got = (await extractor.features(p)).filter((_, k) => k % 16 === 0);
    expect(difference(got, expected.pooled[tool][i])).toBeLessThan(1e-3);
  }
}

/** LPIPS and the features are those of lpips. */
export async function sameDistances(name: string, network: FeatureNetwork): Promise<void> {
  const extractor = await open(network, "none");
  const wanted = expected.lpips[name];
  for (const [height, width] of [
    [64, 64],
    [75, 98],
  ] as const) {
    const got = await extractor.distance(picture(0, height, width), picture(1, height, width));
    expect(difference([got], [wanted[`${width}x${height}`].distance])).toBeLessThan(1e-5);
  }
  const pooled = (await extractor.features(picture(0, 64, 64))).filter((_, k) => k % 8 === 0);
  expect(difference(pooled, wanted.pooled)).toBeLessThan(1e-4);
}

/** Both Inceptions have the same tensors but for their marks, and 22 million values. */
let inception: Record<string, StoredTensor> | undefined;
function drawn(network: FeatureNetwork): Record<string, StoredTensor> {
  if (network.scaling !== "inception") return weights(network);
  inception ??= weights(network);
  const marks = Object.entries(network.marks!).map(([name, shape]) => [name, weight(name, shape)]);
  return { ...inception, ...Object.fromEntries(marks) };
}

async function open(network: FeatureNetwork, resize: FeatureResizeName): Promise<FeatureExtractor> {
  const files = { ...platform.files, ...stored({ network: drawn(network), lpips: linear(network.channels) }) };
  const lpips = network.channels.length > 0 ? "lpips" : undefined;
  const extractor = await FeatureExtractor.open({ features: "network", lpips, resize }, { ...platform, files });
  onTestFinished(() => extractor.close());
  return extractor;
}
