/**
 * The model of Isola et al. 2017 as one static graph per training step, in the order of the widely used PyTorch code:
 * G once; D's loss on (A, fake) and (A, B), halved; Adam on D; then G's loss through the updated D plus lambda * L1.
 */
import { gradient } from "./gradient.ts";
import { Graph, type Target, type Tensor } from "./graph.ts";
import { discriminators } from "./networks/discriminators.ts";
import { generators } from "./networks/generators.ts";
import { adam } from "./nn/adam.ts";
import type { Norm, Statistics } from "./nn/layers.ts";
import { ganLosses, l1 } from "./nn/losses.ts";
import { Parameters } from "./nn/parameters.ts";
import { add, mul } from "./ops/elementwise.ts";
import { concat, reshape } from "./ops/movement.ts";

/** What fixes the networks and the step's arithmetic. */
export interface ModelOptions {
  inputNc: number;
  outputNc: number;
  netG: string;
  ngf: number;
  netD: string;
  ndf: number;
  nLayersD: number;
  norm: Norm;
  noDropout: boolean;
  ganMode: keyof typeof ganLosses;
  lambdaL1: number;
  beta1: number;
  beta2: number;
}

/** The size of a batch: samples and pixels. */
export interface BatchShape {
  n: number;
  height: number;
  width: number;
}

export interface StepGraph {
  graph: Graph;
  netG: Parameters;
  netD: Parameters;
  /** [1, 1, h, w] and so on: D's judgement of one batch. */
  outputMap: readonly number[];
}

/** The losses of a step, in upstream's names and order. G_L1 is multiplied by lambda; D's two are not halved. */
export const lossNames = ["G_GAN", "G_L1", "D_real", "D_fake"] as const;
export type Losses = Record<(typeof lossNames)[number], number>;

/**
 * One training step. Inputs: `real_A`, `real_B`, every parameter ("netG.<name>", "netD.<name>"), D's moments
 * ("netD.<name>.m", ".v"), dropout masks, and the scalars of D's Adam (`adam.size`, `adam.correction`).
 * Outputs: `losses` [4] in the order of `lossNames`, `fake_B`, G's gradients ("netG.<name>.grad"), D's new parameters and
 * moments ("netD.<name>.new", ".m.new", ".v.new"), and the new running statistics ("<net>.<name>.new").
 */
export function trainingStep(options: ModelOptions, batch: BatchShape, target: Target = "cpu"): StepGraph {
  const graph = new Graph(target);
  const netG = new Parameters(graph, "netG");
  const netD = new Parameters(graph, "netD");
  const realA = graph.input("real_A", [batch.n, options.inputNc, batch.height, batch.width]);
  const realB = graph.input("real_B", [batch.n, options.outputNc, batch.height, batch.width]);
  const ganLoss = ganLosses[options.ganMode];
  const judge = (picture: Tensor, pass: string) =>
    graph.scope(`netD(${pass})`, () => discriminate(netD, concat([realA, picture], 1), options));

  // Forward.
  const fakeB = generate(netG, realA, options);

  // D: tell real pairs from fake ones.
  const judgedFake = judge(fakeB, "fake");
  const judgedReal = judge(realB, "real");
  const lossDFake = graph.scope("loss", () => ganLoss(judgedFake, false));
  const lossDReal = graph.scope("loss", () => ganLoss(judgedReal, true));
  const lossD = graph.scope("loss", () => mul(add(lossDFake, lossDReal), 0.5));
  graph.scope("adam(netD)", () => updateD(netD, lossD, options));

  // G: convince the updated D, and stay near the target.
  const lossGGan = graph.scope("loss", () => ganLoss(judge(fakeB, "G"), true));
  const lossGL1 = graph.scope("loss", () => mul(l1(fakeB, realB), options.lambdaL1));
  const lossG = graph.scope("loss", () => add(lossGGan, lossGL1));
  const parametersG = netG.trainable;
  const gradientsG = gradient(
    lossG,
    parametersG.map((s) => netG.current(s.name)),
    netD.specs.map((s) => netD.current(s.name)),
  );

  const scalars = [lossGGan, lossGL1, lossDReal, lossDFake].map((t) => reshape(t, [1]));
  graph.output("losses", concat(scalars, 0));
  graph.output("fake_B", fakeB);
  parametersG.forEach((s, i) => {
    graph.output(`netG.${s.name}.grad`, gradientsG[i]!);
  });
  for (const net of [netG, netD]) {
    for (const { name } of net === netD ? net.specs : net.statistics) {
      graph.output(`${net.network}.${name}.new`, net.current(name));
    }
  }
  return { graph, netG, netD, outputMap: judgedReal.shape };
}

/** Adam on D within the graph: from here on the names of its parameters stand for the updated values. */
function updateD(netD: Parameters, lossD: Tensor, options: ModelOptions): void {
  const { graph } = netD;
  const size = graph.input("adam.size", []);
  const correction = graph.input("adam.correction", []);
  const parameters = netD.trainable;
  const gradients = gradient(
    lossD,
    parameters.map((s) => netD.current(s.name)),
  );
  parameters.forEach(({ name, shape }, i) => {
    const m = graph.input(`netD.${name}.m`, shape);
    const v = graph.input(`netD.${name}.v`, shape);
    const next = adam({ p: netD.current(name), g: gradients[i]!, m, v }, size, correction, options);
    netD.replace(name, next.p);
    graph.output(`netD.${name}.m.new`, next.m);
    graph.output(`netD.${name}.v.new`, next.v);
  });
}

/** G alone, for pictures: inputs `real_A`, parameters and masks; output `fake_B`. */
export function generatorGraph(
  options: ModelOptions,
  batch: BatchShape,
  statistics: Statistics = "batch",
  target: Target = "cpu",
): { graph: Graph; netG: Parameters } {
  const graph = new Graph(target);
  const netG = new Parameters(graph, "netG");
  const realA = graph.input("real_A", [batch.n, options.inputNc, batch.height, batch.width]);
  graph.output("fake_B", generate(netG, realA, options, statistics));
  return { graph, netG };
}

function generate(netG: Parameters, x: Tensor, options: ModelOptions, statistics: Statistics = "batch"): Tensor {
  const { outputNc, ngf, norm, noDropout } = options;
  return generators[options.netG]!.build(netG, x, { outputNc, ngf, norm, dropout: !noDropout, statistics });
}

function discriminate(netD: Parameters, x: Tensor, { ndf, nLayersD, norm, netD: name }: ModelOptions): Tensor {
  return discriminators[name]!.build(netD, x, { ndf, nLayers: nLayersD, norm });
}
