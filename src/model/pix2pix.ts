/**
 * A training step of pix2pix (Isola et al. 2017, arXiv 1611.07004) as static graphs. With the input x (`real_A`), its target y
 * (`real_B`) and G(x, z) (`fake_B`), whose noise z are dropout masks, the paper's objective is
 *
 *     L_cGAN(G, D) = E[log D(x, y)] + E[log(1 - D(x, G(x, z)))]      (1)
 *     L_L1(G) = E[|y - G(x, z)|]                                     (3)
 *     G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G)             (4)
 *
 * (2) is (1) for a D that does not see x (`noCondition`). As in 3.3 of the paper, D minimises half of -(1) (`Model.lossD`), and G
 * minimises -log D(x, G(x, z)) instead of log(1 - D(x, G(x, z))) (`Model.lossG`).
 *
 * The default order is that of the PyTorch implementation: G once; D's loss on (x, G(x, z)) and (x, y); Adam on D; G's loss
 * through the updated D; Adam on G.
 */
import { gradient } from "../graph/gradient.ts";
import { Graph, type Output, type Program, type Tensor, unshaped } from "../graph/graph.ts";
import { concat, reshape } from "../graph/ops/movement.ts";
import type { Statistics } from "../nn/norms.ts";
import { type MaskSpec, Parameters } from "../nn/parameters.ts";
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

/** The part of a step that computes the losses and gradients of one network and ends with its update. */
export interface Substep {
  network: "netG" | "netD";
  /** A batch's losses and the network's gradients. */
  batch: Program;
  /** Programs that run before the batches, on the parameters. */
  before: Program[];
  /** Programs that run after the batches and before the optimiser, on gradients and parameters. */
  after: Program[];
  /** The output of `batch` that holds the losses as a vector, and their names in it. */
  losses: { output: string; names: readonly LossName[] };
}

/** A training step: its programs, and the parameters of both networks. */
export interface StepGraph {
  /** In the order in which they run. */
  substeps: Substep[];
  /** Values that the first substep computes and the second reads, under their own names. */
  carried: readonly Tensor[];
  netG: Parameters;
  netD: Parameters;
  /** The dropout masks of G, and the random numbers of D's loss, that the host draws. */
  masks: readonly MaskSpec[];
  uniforms: Parameters["uniforms"];
  /** The batches that each batch norm sees in a step: num_batches_tracked of the PyTorch implementation. */
  counts: { network: "netG" | "netD"; name: string; count: number }[];
  /** The shape of D's map for one picture at full size, [1, 1, h, w]; undefined where there is no D. */
  outputMap: readonly number[] | undefined;
}

/**
 * One training step as programs, with an optimiser after each.
 *
 * The programs read `real_A` [n, inputNc, H, W] and `real_B` [n, outputNc, H, W], both in [-1, 1], every parameter
 * ("netG.<name>", "netD.<name>") and the random numbers of the networks (`masks`, `uniforms`), which the host draws. D's
 * substep gives `fake_B`, `losses_D` and "netD.<name>.grad". G's substep reads D's new parameters as "netD.<name>.updated" and
 * gives `losses_G`, "netG.<name>.grad" and the new running statistics, "<network>.<name>.new".
 * @param options a `Config` has all of them; `parseConfig` refuses combinations for which there is no such step
 * @param batch samples and pixels; see `Generator.multiple`: other sizes are padded inside the graph
 * @param perceptual the distance that `lambdaLpips` weights
 * @throws ShapeError for pictures of which D's layers leave nothing
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
  const fakeB = model.generate();
  if (options.lambdaGan === 0) return stepOfG(model, fakeB, options);

  // D learns to tell real pairs from fake ones.
  const fake = model.judge(fakeB, "fake");
  const real = model.judge(realB, "real");
  const learnD = learning(netD, model.lossD(real, fake, fakeB), options);
  if (options.accumulate > 1 || options.drawTwice) {
    const modelG = new Model(options, batch, { perceptual, masks: options.drawTwice ? "second.mask" : undefined });
    return stepOverBatches(model, learnD, outputMapOf(real), modelG, options);
  }

  // G learns to convince D and to stay near the target.
  const { lossG, renewed } = againstD(model, fakeB, { fake, real }, options);
  const learnG = learning(netG, lossG, options, renewed);

  const { first, second, carried } = graph.split(
    [{ name: "fake_B", tensor: fakeB }, ...outputsOf(learnD)],
    [...outputsOf(learnG), ...statisticsOf(netG), ...statisticsOf(netD)],
  );
  const substeps = [substep(learnD, first, options), substep(learnG, second, options)];
  const { masks, uniforms } = randomsOf(model);
  return { substeps, carried, netG, netD, masks, uniforms, counts: countsOf(netG, netD), outputMap: outputMapOf(real) };
}

/**
 * G's loss by the three orders of update; for `stale` also D's old parameters with the new ones that the backward pass reads
 * instead.
 */
function againstD(
  model: Model,
  fakeB: Tensor,
  { fake, real }: { fake: Judgement; real: Judgement },
  { updateOrder, lambdaFeat }: ModelOptions,
): { lossG: Loss; renewed?: Map<Tensor, Tensor> } {
  const { netD, realB } = model;
  if (updateOrder === "updated") {
    for (const [name, updated] of updatesOf(netD)) netD.replace(name, updated);
    const judged = model.judgeForG(fakeB);
    return { lossG: model.lossG(fakeB, judged, lambdaFeat > 0 ? model.judge(realB, "G, real") : undefined) };
  }
  const lossG = model.lossG(fakeB, fake, real);
  if (updateOrder === "simultaneous") return { lossG };
  return { lossG, renewed: new Map([...updatesOf(netD)].map(([name, t]) => [netD.current(name), t])) };
}

/** A step of G alone, without D: the paper's L1. */
function stepOfG(model: Model, fakeB: Tensor, options: ModelOptions): StepGraph {
  const { graph, netG, netD } = model;
  const learnG = learning(netG, model.lossG(fakeB), options);
  const program = graph.program([{ name: "fake_B", tensor: fakeB }, ...outputsOf(learnG), ...statisticsOf(netG)]);
  return {
    substeps: [substep(learnG, program, options)],
    carried: [],
    netG,
    netD,
    ...randomsOf(model),
    counts: countsOf(netG),
    outputMap: undefined,
  };
}

/**
 * A step over several batches (`accumulate`) in the memory of one. Its gradients are those of one batch of all samples, but batch
 * norms see each batch separately. D is updated before G's loss of the first batch, so G draws the pictures of each batch a
 * second time, in a graph of its own: with the same dropout masks, or with others (`drawTwice`, on one batch too).
 */
function stepOverBatches(
  modelD: Model,
  learnD: Learning,
  outputMap: readonly number[],
  modelG: Model,
  options: ModelOptions,
): StepGraph {
  const stepD = modelD.graph.program([...outputsOf(learnD), ...statisticsOf(modelD.netD)]);

  const { graph, netG, netD, realB } = modelG;
  const fakeB = modelG.generate();
  const real = options.lambdaFeat > 0 ? modelG.judge(realB, "G, real") : undefined;
  const learnG = learning(netG, modelG.lossG(fakeB, modelG.judgeForG(fakeB), real), options);
  const outputs = [{ name: "fake_B", tensor: fakeB }, ...outputsOf(learnG)];
  const stepG = graph.program([...outputs, ...statisticsOf(netG), ...statisticsOf(netD)]);

  const substeps = [substep(learnD, stepD, options), substep(learnG, stepG, options)];
  const counts = countsOf(modelD.netD, netG, netD);
  return { substeps, carried: [], netG, netD: modelD.netD, ...randomsOf(modelD, modelG), counts, outputMap };
}

/** A network, its loss, and the gradients of the loss by the network's trained parameters. */
interface Learning {
  net: Parameters;
  loss: Loss;
  gradients: Output[];
}

/**
 * The gradients of a network's loss by its trained parameters, with `accumulate` added to those of the batches before.
 * @param renewed tensors that the backward pass reads instead of those of the forward pass
 */
function learning(net: Parameters, loss: Loss, options: ModelOptions, renewed?: ReadonlyMap<Tensor, Tensor>): Learning {
  return { net, loss, gradients: accumulated(net.graph, gradientsOf(net, loss, renewed), options) };
}

/** The outputs of a substep's program: the parts of the loss as one vector, and the gradients. */
function outputsOf({ net, loss: { parts }, gradients }: Learning): Output[] {
  const values = parts.map(([, value]) => reshape(value, [1]));
  return [{ name: lossesOf(net), tensor: values.length === 1 ? values[0]! : concat(values, 0) }, ...gradients];
}

const lossesOf = ({ network }: Parameters) => (network === "netD" ? "losses_D" : "losses_G");

function substep({ net, loss: { parts } }: Learning, batch: Program, { clipGrad, zeroBias }: ModelOptions): Substep {
  const network = net.network as Substep["network"];
  const zero = zeroBias ? zeroing(net) : [];
  return {
    network,
    batch,
    // The paper's code sets the biases to 0 where it begins to compute a network's loss: D's before D judges, G's after G has
    // drawn its pictures.
    before: network === "netD" ? zero : [],
    after: [...(clipGrad > 0 ? [clipping(net, clipGrad)] : []), ...(network === "netG" ? zero : [])],
    losses: { output: lossesOf(net), names: parts.map(([name]) => name) },
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

/** A network's parameters after its update, by name: inputs of the second program. */
function updatesOf({ graph, network, trainable }: Parameters): Map<string, Tensor> {
  return new Map(trainable.map(({ name, shape }) => [name, graph.input(`${network}.${name}.updated`, shape)]));
}

/** The new running statistics of a network. */
function statisticsOf(net: Parameters): Output[] {
  return net.statistics.map(({ name }) => ({ name: `${net.network}.${name}.new`, tensor: net.current(name) }));
}

function countsOf(...networks: Parameters[]): StepGraph["counts"] {
  return networks.flatMap(({ network, batches }) =>
    [...batches].map(([name, count]) => ({ network: network as Substep["network"], name, count })),
  );
}

/** The random numbers of a step; two graphs with the same names read the same numbers. */
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
