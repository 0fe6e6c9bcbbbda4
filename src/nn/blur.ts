/**
 * Downsampling with a filter against aliasing (Zhang 2019, "Making Convolutional Networks Shift-Invariant Again"): the map is
 * smoothed by the binomial filter (1 2 1) in both directions, reflected at its edges. `blurPools` are the choices of --blur-pool.
 *
 * Zhang convolves at full size, then filters and takes every second value. Filter and convolution commute, so here the filter
 * comes first and the strided convolution computes only the quarter of the values that are kept. The maps are equal except at the
 * edges if nothing lies between the two: here norm and activation follow both, in Zhang's networks the activation lies between.
 */
import type { Tensor } from "../graph/graph.ts";
import { depthwise } from "../graph/ops/depthwise.ts";
import { reflect } from "../graph/ops/movement.ts";
import { unpadded } from "../graph/ops/windows.ts";
import type { NetworkName } from "./parameters.ts";

/** The choices of --blur-pool. */
export const blurPools = {
  none: { help: "plain strided convolutions", networks: [] },
  generator: { help: "in G", networks: ["netG"] },
  discriminator: { help: "in D", networks: ["netD"] },
  both: { help: "in both networks", networks: ["netG", "netD"] },
} as const satisfies Readonly<Record<string, { help: string; networks: readonly string[] }>>;
export type BlurPool = keyof typeof blurPools;

/** Whether a filter precedes each convolution of a network that halves a map. */
export const blurs = (choice: BlurPool, network: NetworkName): boolean =>
  (blurPools[choice].networks as readonly string[]).includes(network);

const row = [0.25, 0.5, 0.25];

/** x, [N, C, H, W], smoothed by (1 2 1) / 4 along rows and columns; H and W stay. */
export function blur(x: Tensor): Tensor {
  const channels = x.shape[1]!;
  const kernel = row.flatMap((a) => row.map((b) => a * b));
  const kernels = Float32Array.from({ length: channels * kernel.length }, (_, i) => kernel[i % kernel.length]!);
  return depthwise(reflect(x, 1), x.graph.constant(kernels, [channels, 1, 3, 3]), unpadded);
}
