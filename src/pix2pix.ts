/**
 * The model of Isola et al. 2017 as a static graph of a training step, in the order of the widely used PyTorch code:
 * G once; D's loss on (A, fake) and (A, B), halved; Adam on D; then G's loss through the updated D plus lambda * L1.
 */
import { gradient } from "./gradient.ts";
import { Graph, type Output, type Program, type Target, type Tensor } from "./graph.ts";
import { discriminators } from "./networks/discriminators.ts";
import { generators } from "./networks/generators.ts";
import { fitted } from "./nn/fit.ts";
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
  /** G's pictures, D's losses and D's gradients. */
  stepD: Program;
  /** With D updated: G's losses and gradients. It reads what stepD has computed already (`carried`). */
  stepG: Program;
  /** Values that stepD hands to stepG, under their own names. */
  carried: readonly Tensor[];
  netG: Parameters;
  netD: Parameters;
  /** [1, 1, h, w] and so on: D's judgement of one batch. */
  outputMap: readonly number[];
}

/** The losses of a step, in upstream's names and order. G_L1 is multiplied by lambda; D's two are not halved. */
export const lossNames = ["G_GAN", "G_L1", "D_real", "D_fake"] as const;
export type Losses = Record<(typeof lossNames)[number], number>;

/**
 * One training step as two programs, for the optimiser comes between them.
 *
 * stepD reads `real_A`, `real_B`, every parameter ("netG.<name>", "netD.<name>") and the dropout masks, and gives `fake_B`,
 * `losses_D` [D_real, D_fake] and "netD.<name>.grad". stepG reads D's new parameters as "netD.<name>.updated" and gives
 * `losses_G` [G_GAN, G_L1], "netG.<name>.grad" and the new running statistics of both networks, "<net>.<name>.new".
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
  const gradientsD = gradientsOf(netD, lossD);
  for (const { name, shape } of netD.trainable) netD.replace(name, graph.input(`netD.${name}.updated`, shape));

  // G: convince the updated D, and stay near the target.
  const judgedG = judge(fakeB, "G");
  const lossGGan = graph.scope("loss", () => ganLoss(judgedG, true));
  const lossGL1 = graph.scope("loss", () => mul(l1(fakeB, realB), options.lambdaL1));
  const lossG = graph.scope("loss", () => add(lossGGan, lossGL1));
  const gradientsG = gradientsOf(netG, lossG);

  const statistics = [netG, netD].flatMap((net) =>
    net.statistics.map(({ name }) => ({ name: `${net.network}.${name}.new`, tensor: net.current(name) })),
  );
  const vector = (losses: Tensor[]) =>
    concat(
      losses.map((t) => reshape(t, [1])),
      0,
    );
  const { first, second, carried } = graph.split(
    [{ name: "fake_B", tensor: fakeB }, { name: "losses_D", tensor: vector([lossDReal, lossDFake]) }, ...gradientsD],
    [{ name: "losses_G", tensor: vector([lossGGan, lossGL1]) }, ...gradientsG, ...statistics],
  );
  return { stepD: first, stepG: second, carried, netG, netD, outputMap: judgedReal.shape };
}

/** The gradients of a network's trained parameters, as "<network>.<name>.grad". */
function gradientsOf(net: Parameters, loss: Tensor): Output[] {
  const specs = net.trainable;
  const gradients = gradient(
    loss,
    specs.map((s) => net.current(s.name)),
  );
  return specs.map((s, i) => ({ name: `${net.network}.${s.name}.grad`, tensor: unwrapped(gradients[i]!) }));
}

/** The same values before they were given another shape: a Reshape in front of an output would copy them. */
function unwrapped(t: Tensor): Tensor {
  return t.producer?.op.renames ? unwrapped(t.producer.inputs[0]!) : t;
}

/** G alone, for pictures: inputs `real_A`, parameters and masks; output `fake_B`. */
export function generatorGraph(
  options: ModelOptions,
  batch: BatchShape,
  statistics: Statistics = "batch",
  target: Target = "cpu",
): { program: Program; netG: Parameters } {
  const graph = new Graph(target);
  const netG = new Parameters(graph, "netG");
  const realA = graph.input("real_A", [batch.n, options.inputNc, batch.height, batch.width]);
  graph.output("fake_B", generate(netG, realA, options, statistics));
  return { program: graph.program(), netG };
}

function generate(netG: Parameters, x: Tensor, options: ModelOptions, statistics: Statistics = "batch"): Tensor {
  const { outputNc, ngf, norm, noDropout } = options;
  const { build, multiple } = generators[options.netG]!;
  return fitted(x, multiple, (whole) => build(netG, whole, { outputNc, ngf, norm, dropout: !noDropout, statistics }));
}

function discriminate(netD: Parameters, x: Tensor, { ndf, nLayersD, norm, netD: name }: ModelOptions): Tensor {
  return discriminators[name]!.build(netD, x, { ndf, nLayers: nLayersD, norm });
}
