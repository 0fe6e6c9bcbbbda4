/** The running average of a network's weights, an exponential moving average (--ema). */
import { Graph, type Program } from "../graph/graph.ts";
import { add, mul, sub } from "../graph/ops/elementwise.ts";
import type { ParameterSpec } from "./parameters.ts";

/**
 * The share of the new weights in the average at step t (from 1): 1 - min(decay, (1 + t) / (10 + t)), as TensorFlow's
 * ExponentialMovingAverage with `num_updates`. Early in a run the average follows the weights more closely.
 */
export const averageShare = (t: number, decay: number): number => 1 - Math.min(decay, (1 + t) / (10 + t));

/** average += share * (values - average) */
export function blendInPlace(average: Float32Array, values: Float32Array, share: number): void {
  for (let i = 0; i < average.length; i++) average[i]! += share * (values[i]! - average[i]!);
}

/**
 * `blendInPlace` as a program, for devices that keep the arrays in their own memory. Inputs: each `<network>.<parameter>` and its `.average`,
 * and `share`. Outputs: `<network>.<parameter>.average.updated`.
 */
export function averageGraph(network: string, trainable: readonly Pick<ParameterSpec, "name" | "shape">[]): Program {
  const graph = new Graph();
  const share = graph.input("share", [1]);
  for (const { name, shape } of trainable) {
    const at = `${network}.${name}`;
    const average = graph.input(`${at}.average`, shape);
    graph.output(`${at}.average.updated`, add(average, mul(sub(graph.input(at, shape), average), share)));
  }
  return graph.program();
}
