/**
 * A training step of pix2pix (Isola et al. 2017, arXiv 1611.07004) as static graphs. With the input x (`real_A`), its target y
 * (`real_B`) and G(x, z) (`fake_B`), whose noise z are dropout masks, the paper's objective is
 *
 *     L_cGAN(G, D) = E[log D(x, y)] + E[log(1 - D(x, G(x, z)))]      (1)
 *     L_L1(G) = E[|y - G(x, z)|]                                     (3)
 *     G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G)             (4)
 *
 * (2) is (1) for a D that does not see x (`noCondition`). As in 3.3 of the paper, D minimises half of -(1) (`Model.lossD`), and G
 * minimises -log D(x, G(x, z)) instead of log(1 - D(x, G(x, z))) (`Model.lossG`); one gradient step on D alternates with one on G.
 *
 * The default order is that of the PyTorch implementation: G once; D's loss on (x, G(x, z)) and (x, y); Adam on D; G's loss
 * through the updated D; Adam on G.
 */
import { gradient } from "../graph/gradient.ts";
import { Graph, type Output, type Program, type Tensor, unshaped } from "../graph/graph.ts";
import { concat, reshape } from "../graph/ops/movement.ts";
import type { Statistics } from "../nn/norms.ts";
import { type MaskSpec, type NetworkName, Parameters } from "../nn/parameters.ts";
import {
  type BatchShape,
  type GeneratorChoice,
  generate,
  type Judgement,
  type Loss,
  type LossName,
  Model,
  type ModelOptions,
  type PerceptualLoss,
} from "./losses.ts";
import { accumulated, clipping, zeroing } from "./update.ts";

export { type BatchShape, type Losses, lossNames, type ModelOptions } from "./losses.ts";

// ---- A training step ------------------------------------------------------------------------------------------------

/**
 * One training step as programs, with an optimiser after each.
 *
 * The programs read `real_A` [n, inputNc, H, W] and `real_B` [n, outputNc, H, W], both in [-1, 1], every parameter
 * ("netG.<name>", "netD.<name>") and the random numbers of the networks (`masks`, `uniforms`), which the host draws. By default D's
 * substep gives `fake_B`, `losses_D` and "netD.<name>.grad". G's substep reads D's new parameters as "netD.<name>.updated" and
 * gives `losses_G`, "netG.<name>.grad" and the new running statistics, "<network>.<name>.new".
 * @param options a `Config` has all of them; `parseConfig` refuses combinations for which there is no such step
 * @param batch samples and pixels; sizes that are no multiples of `Generator.multiple` are padded inside the graph
 * @param perceptual the distance that `lambdaLpips` weights
 * @throws ShapeError for pictures so small that D's map would be empty
 *
 * @example
 * ```ts
 * import { generatorGraph, parseConfig, trainingStep } from "pix2pix";
 *
 * const config = parseConfig({ dataroot: "none", netG: "unet_64", loadSize: 64, cropSize: 64 });
 * const shape = { n: 1, height: 64, width: 64 };
 * const { substeps, outputMap } = trainingStep(config, shape);
 * console.log(substeps.map(({ network, batch }) => `${network}: ${batch.nodes.length} nodes`), outputMap); // [1, 1, 6, 6]
 * console.log(generatorGraph(config, shape).program.outputs[0]?.tensor.shape); // [1, 3, 64, 64]
 * ```
 */
export function trainingStep(options: ModelOptions, batch: BatchShape, perceptual?: PerceptualLoss): StepGraph {
  const model = new Model(options, batch, { perceptual });
  const { graph, netG, netD, realB } = model;
  // G(x, z)
  const fakeB = model.generate();
  if (options.lambdaGan === 0) return stepWithoutD(model, fakeB, options);

  // One gradient step on D, which learns to distinguish (x, y) from (x, G(x, z)).
  const fake = model.judge(fakeB, "fake");
  const real = model.judge(realB, "real");
  const stepD = gradientStep(netD, model.lossD(real, fake, fakeB), options);
  if (options.accumulate > 1 || options.drawTwice) {
    const modelG = new Model(options, batch, { perceptual, masks: options.drawTwice ? "second.mask" : undefined });
    return stepInTwoGraphs(model, stepD, modelG, options);
  }

  // One gradient step on G, which learns to generate pictures that D takes for real and that are near y.
  const { lossG, renewed } = lossOfG(model, fakeB, { fake, real }, options);
  const stepG = gradientStep(netG, lossG, options, renewed);

  const { first, second } = graph.split(
    [{ name: "fake_B", tensor: fakeB }, ...outputsOf(stepD)],
    [...outputsOf(stepG), ...statisticsOf(netG), ...statisticsOf(netD)],
  );
  const substeps = [substep(stepD, first, options), substep(stepG, second, options)];
  return { substeps, netG, netD, ...randomsOf(model), counts: countsOf(netG, netD), outputMap: outputMapOf(real) };
}

/**
 * G's loss in the three orders of updates. For `stale` also `renewed`: D's old parameters, each with the updated one that the backward pass
 * reads instead.
 */
function lossOfG(
  model: Model,
  fakeB: Tensor,
  { fake, real }: { fake: Judgement; real: Judgement },
  { updateOrder, lambdaFeat }: ModelOptions,
): { lossG: Loss; renewed?: Map<Tensor, Tensor> } {
  const { netD, realB } = model;
  if (updateOrder === "updated") {
    for (const [name, updated] of updatedParameters(netD)) netD.replace(name, updated);
    const judged = model.judgeForG(fakeB);
    return { lossG: model.lossG(fakeB, judged, lambdaFeat > 0 ? model.judge(realB, "G, real") : undefined) };
  }
  const lossG = model.lossG(fakeB, fake, real);
  if (updateOrder === "simultaneous") return { lossG };
  return { lossG, renewed: new Map([...updatedParameters(netD)].map(([name, t]) => [netD.current(name), t])) };
}

/** A step without D (`lambdaGan` 0), such as the paper's L1. */
function stepWithoutD(model: Model, fakeB: Tensor, options: ModelOptions): StepGraph {
  const { graph, netG, netD } = model;
  const stepG = gradientStep(netG, model.lossG(fakeB), options);
  const program = graph.program([{ name: "fake_B", tensor: fakeB }, ...outputsOf(stepG), ...statisticsOf(netG)]);
  const substeps = [substep(stepG, program, options)];
  return { substeps, netG, netD, ...randomsOf(model), counts: countsOf(netG), outputMap: undefined };
}

/**
 * A step in two graphs: G generates its pictures a second time for its own update.
 *
 * With `accumulate`, D's update comes after D's losses on all batches and before G's loss on the first. Only one batch fits into memory,
 * so its pictures are gone by then and are generated again. The gradients are those of one batch of all samples, except that batch norms
 * see each batch separately. With `drawTwice` the second pictures have other dropout masks.
 */
function stepInTwoGraphs(modelD: Model, stepD: GradientStep, modelG: Model, options: ModelOptions): StepGraph {
  const programD = modelD.graph.program([...outputsOf(stepD), ...statisticsOf(modelD.netD)]);

  const { graph, netG, netD, realB } = modelG;
  const fakeB = modelG.generate();
  const real = options.lambdaFeat > 0 ? modelG.judge(realB, "G, real") : undefined;
  const fake = modelG.judgeForG(fakeB);
  const stepG = gradientStep(netG, modelG.lossG(fakeB, fake, real), options);
  const outputs = [{ name: "fake_B", tensor: fakeB }, ...outputsOf(stepG)];
  const programG = graph.program([...outputs, ...statisticsOf(netG), ...statisticsOf(netD)]);

  const substeps = [substep(stepD, programD, options), substep(stepG, programG, options)];
  const counts = countsOf(modelD.netD, netG, netD);
  return { substeps, netG, netD: modelD.netD, ...randomsOf(modelD, modelG), counts, outputMap: outputMapOf(fake) };
}

// ---- The programs of a step -----------------------------------------------------------------------------------------

/** The part of a step that updates one network: its losses and gradients, then the optimiser. */
export interface Substep {
  network: NetworkName;
  /** A batch's losses and the network's gradients. */
  batch: Program;
  /** Programs that run before the batches, on the parameters. */
  before: Program[];
  /** Programs that run after the batches and before the optimiser, on gradients and parameters. */
  after: Program[];
  /** The output of `batch` that has the losses as a vector, and the names of its values. */
  losses: { output: string; names: readonly LossName[] };
}

/** A training step: its programs, and the parameters of both networks. */
export interface StepGraph {
  /** In the order in which they run. The second reads values that the first computes, under the names of their tensors. */
  substeps: Substep[];
  netG: Parameters;
  netD: Parameters;
  /** The dropout masks of G, and the random numbers of D's loss, that the host draws. */
  masks: readonly MaskSpec[];
  uniforms: Parameters["uniforms"];
  /** The number of batches that each batch norm sees in a step, by which PyTorch's num_batches_tracked grows. */
  counts: { network: NetworkName; name: string; count: number }[];
  /** The shape of D's map for one picture at full size, [1, 1, h, w]; undefined where there is no D. */
  outputMap: readonly number[] | undefined;
}

/** One gradient step on a network, without the optimiser: its loss, and the gradients with respect to its trained parameters. */
interface GradientStep {
  net: Parameters<NetworkName>;
  loss: Loss;
  gradients: Output[];
}

/**
 * Adds the gradients of a loss to the network's graph; with `accumulate` they are added to those of the batches before.
 * @param renewed replacements for tensors of the forward pass, which the backward pass reads instead (`gradient`)
 */
function gradientStep(
  net: Parameters<NetworkName>,
  loss: Loss,
  options: ModelOptions,
  renewed?: ReadonlyMap<Tensor, Tensor>,
): GradientStep {
  return { net, loss, gradients: accumulated(net.graph, gradientsOf(net, loss, renewed), options) };
}

/** The outputs of a substep's program: the parts of the loss as one vector, and the gradients. */
function outputsOf({ net, loss: { parts }, gradients }: GradientStep): Output[] {
  const values = parts.map(([, value]) => reshape(value, [1]));
  return [{ name: lossesName(net), tensor: values.length === 1 ? values[0]! : concat(values, 0) }, ...gradients];
}

const lossesName = ({ network }: Parameters) => (network === "netD" ? "losses_D" : "losses_G");

function substep(
  { net, loss: { parts } }: GradientStep,
  batch: Program,
  { clipGrad, zeroBias }: ModelOptions,
): Substep {
  const { network } = net;
  const zero = zeroBias ? zeroing(net) : [];
  return {
    network,
    batch,
    // The paper's code sets a network's biases to 0 where it begins to compute the network's loss: D's before D judges, G's after
    // G has generated its pictures.
    before: network === "netD" ? zero : [],
    after: [...(clipGrad > 0 ? [clipping(net, clipGrad)] : []), ...(network === "netG" ? zero : [])],
    losses: { output: lossesName(net), names: parts.map(([name]) => name) },
  };
}

/** The gradients of a network's trained parameters, as "<network>.<name>.grad". */
function gradientsOf(net: Parameters, { total }: Loss, renewed?: ReadonlyMap<Tensor, Tensor>): Output[] {
  const specs = net.trainable;
  const gradients = gradient(
    total,
    specs.map((s) => net.current(s.name)),
    renewed,
  );
  return specs.map((s, i) => ({ name: `${net.network}.${s.name}.grad`, tensor: unshaped(gradients[i]!) }));
}

/** The values of a network's parameters after its update, by name: inputs of the second program. */
function updatedParameters({ graph, network, trainable }: Parameters): Map<string, Tensor> {
  return new Map(trainable.map(({ name, shape }) => [name, graph.input(`${network}.${name}.updated`, shape)]));
}

/** The new running statistics of a network. */
function statisticsOf(net: Parameters): Output[] {
  return net.statistics.map(({ name }) => ({ name: `${net.network}.${name}.new`, tensor: net.current(name) }));
}

function countsOf(...networks: Parameters<NetworkName>[]): StepGraph["counts"] {
  return networks.flatMap(({ network, batches }) => [...batches].map(([name, count]) => ({ network, name, count })));
}

/** The random numbers of a step. Inputs of the same name in two graphs get the same numbers. */
function randomsOf(...models: Model[]): Pick<StepGraph, "masks" | "uniforms"> {
  const distinct = <T extends { name: string }>(all: readonly T[]) => [
    ...new Map(all.map((t) => [t.name, t])).values(),
  ];
  return {
    masks: distinct(models.flatMap(({ netG }) => netG.masks)),
    uniforms: distinct(models.flatMap(({ netD }) => netD.uniforms)),
  };
}

const outputMapOf = (judgement: Judgement): readonly number[] => judgement[0]!.at(-1)!.shape.with(0, 1);

// ---- The networks alone ---------------------------------------------------------------------------------------------

/**
 * The generator alone. Inputs: `real_A` [n, inputNc, H, W], the parameters and the dropout masks; output: `fake_B`
 * [n, outputNc, H, W], both in [-1, 1].
 * @param statistics the source of a batch norm's mean and variance
 */
export function generatorGraph(
  options: GeneratorChoice,
  batch: BatchShape,
  statistics: Statistics = "batch",
): { program: Program; netG: Parameters } {
  const graph = new Graph();
  const netG = new Parameters(graph, "netG");
  const realA = graph.input("real_A", [batch.n, options.inputNc, batch.height, batch.width]);
  graph.output("fake_B", generate(netG, realA, options, statistics));
  return { program: graph.program(), netG };
}

/**
 * The discriminator alone, without its augmentations. Inputs: `real_A` [n, inputNc, H, W] unless it is unconditional, `real_B`
 * [n, outputNc, H, W], both in [-1, 1], and the parameters; outputs: `logits_<k>` [n, 1, h, w] of each scale k, from full size down.
 */
export function discriminatorGraph(options: ModelOptions, batch: BatchShape): { program: Program; netD: Parameters } {
  const model = new Model({ ...options, diffAugment: undefined }, batch);
  for (const [k, maps] of model.judge(model.realB, "judged").entries()) model.graph.output(`logits_${k}`, maps.at(-1)!);
  return { program: model.graph.program(), netD: model.netD };
}
