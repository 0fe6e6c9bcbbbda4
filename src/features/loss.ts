/** LPIPS as a loss of training (--lambda-lpips): the distance between G's outputs and their targets. */
import type { Tensor } from "../graph/graph.ts";
import { div, sub } from "../graph/ops/elementwise.ts";
import { concat, slice } from "../graph/ops/movement.ts";
import { mean } from "../graph/ops/reduce.ts";
import type { PerceptualLoss } from "../model/losses.ts";
import type { Files } from "../platform.ts";
import { FixedParameters } from "./extractor.ts";
import { type FeatureFile, type LinearFile, readFeatures, readLinear } from "./file.ts";
import { lpipsDistance } from "./lpips.ts";
import { imagenet } from "./resizes.ts";

export interface PerceptualOptions {
  /** The file of the network's weights. */
  features: string;
  /** The file of LPIPS's linear layers for that network. */
  lpips: string;
  /** Whether the networks' colours are in the order blue, green, red. */
  bgr: boolean;
}

/**
 * Reads a feature network and LPIPS's layers as a loss: the mean of LPIPS over the samples of a batch.
 * @throws CheckpointError for files that are missing, damaged, or of another network
 */
export async function perceptualLoss(files: Pick<Files, "read">, options: PerceptualOptions): Promise<PerceptualLoss> {
  const file = await readFeatures(files, options.features);
  const linear = await readLinear(files, options.lpips, file.network);
  return (output, target) => lpipsLoss(output, target, { file, linear, bgr: options.bgr });
}

/** @param output [N, 1 or 3, H, W] in [-1, 1], as `target` */
function lpipsLoss(
  output: Tensor,
  target: Tensor,
  { file, linear, bgr }: { file: FeatureFile; linear: LinearFile; bgr: boolean },
): Tensor {
  const { graph } = output;
  const p = new FixedParameters(graph, "features", file.values);
  const layers = (x: Tensor) => file.network.build(p, scaled(x, bgr)).layers;
  const weights = linear.values.map((value) => graph.constant(value, [value.length]));
  return graph.scope("lpips", () => mean(lpipsDistance(layers(output), layers(target), weights)));
}

/** Values in [-1, 1] as the network takes them: RGB, minus the mean of ImageNet, divided by its standard deviation. */
function scaled(x: Tensor, bgr: boolean): Tensor {
  const { graph } = x;
  const channel = (c: number) => slice(x, [1], [c], [c + 1]);
  const colours = x.shape[1] === 1 ? concat([x, x, x], 1) : bgr ? concat([2, 1, 0].map(channel), 1) : x;
  const perChannel = (values: readonly number[]) => graph.constant(Float32Array.from(values), [1, 3, 1, 1]);
  const shift = imagenet.mean.map((mean) => 2 * mean - 1);
  const scale = imagenet.std.map((std) => 2 * std);
  return div(sub(colours, perChannel(shift)), perChannel(scale));
}
