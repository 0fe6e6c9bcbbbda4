/** The arithmetic of a training step: the multiply-adds of all convolutions, computed directly, and matrix products. */
import { type Config, parseConfig } from "../src/config/schema.ts";
import { type Node, type Program, sizeOf } from "../src/graph/graph.ts";
import { generatorGraph, trainingStep } from "../src/model/pix2pix.ts";
import type { GeneratorName } from "../src/networks/generators.ts";

/** A U-Net for pictures of `size` pixels, and a discriminator of the same width. */
export function benchConfig(size: number, ngf: number): Config {
  const networks = { netG: `unet_${size}` as GeneratorName, ngf, ndf: ngf };
  return parseConfig({ dataroot: "none", ...networks, cropSize: size, loadSize: size });
}

/** GFLOP of one training step and of one forward pass of the generator; a multiply-add counts as two. */
export function workOf({ size, ngf, batch }: { size: number; ngf: number; batch: number }): {
  step: number;
  forward: number;
} {
  const config = benchConfig(size, ngf);
  const shape = { n: batch, height: size, width: size };
  const { substeps } = trainingStep(config, shape);
  return {
    step: substeps.reduce((sum, { batch }) => sum + flop(batch), 0),
    forward: flop(generatorGraph(config, shape).program),
  };
}

const flop = ({ nodes }: Program): number => nodes.reduce((total, node) => total + 2 * multiplyAdds(node), 0) / 1e9;

function multiplyAdds({ op, inputs, output }: Node): number {
  const [x, w] = inputs;
  // Inputs are pairs (map x, gradient dy); the output is [Cout, Cin, kh, kw]. Each value of dy meets Cin * kh * kw values of x.
  if (op.type === "ConvWeightGradient") {
    const gradients = inputs.filter((_, i) => i % 2 === 1);
    return gradients.reduce((sum, dy) => sum + sizeOf(dy.shape) * sizeOf(output.shape.slice(1)), 0);
  }
  if (op.type === "Conv") return sizeOf(output.shape) * sizeOf(w!.shape.slice(1));
  if (op.type === "ConvTranspose") return sizeOf(x!.shape) * sizeOf(w!.shape.slice(1));
  if (op.type === "Gemm") return Math.sqrt(sizeOf(x!.shape) * sizeOf(w!.shape) * sizeOf(output.shape));
  if (op.type === "MatMul") return sizeOf(x!.shape) * w!.shape.at(-1)!;
  return 0;
}
