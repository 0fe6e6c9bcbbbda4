/** The interface of feature networks, and layers that several have. */

import type { Shape, Tensor } from "../graph/graph.ts";
import { relu } from "../graph/ops/elementwise.ts";
import { type ConvOptions, conv } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";

/** Maps of a network on a batch of pictures. Unused ones cost nothing, because a program computes only what its outputs need. */
export interface Features {
  /** [N, size]: what FID and KID compare. */
  pooled: Tensor;
  /** The maps that LPIPS compares; none where the network has no published linear layers. */
  layers: readonly Tensor[];
}

/** How 8-bit values are scaled to the network's range. */
export type Scaling = "imagenet" | "inception";

/** A network whose weights are read from a file. */
export interface FeatureNetwork {
  /** The name in messages and in the names of scores. */
  label: string;
  /** Features of `pooled`. */
  size: number;
  /** Width and height of the pictures in training; resized pictures have this size. */
  side: number;
  /** How the network's input is scaled. */
  scaling: Scaling;
  /** Where the architecture comes from. */
  source: string;
  /** Channels of `layers`. */
  channels: readonly number[];
  /**
   * Tensors that the graph does not need but that the file must have. They distinguish networks with equal layers.
   */
  marks?: Readonly<Record<string, Shape>>;
  /** Further tensors that its files may have, such as those of the classifier. */
  others: RegExp;
  /** @param x [N, 3, H, W], scaled @throws ShapeError for pictures that are too small */
  build(p: Parameters, x: Tensor): Features;
}

/** A convolution and max(x, 0). */
export const convRelu = (p: Parameters, name: string, x: Tensor, options: ConvOptions): Tensor =>
  x.graph.scope(name, () => relu(conv(p, name, x, options)));
