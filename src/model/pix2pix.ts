/**
 * pix2pix (Isola et al. 2017) as static graphs of a training step, by default in the order of the widely used PyTorch code:
 * G once; D's loss on (A, fake) and (A, B), halved; Adam on D; then G's loss through the updated D plus lambda * L1; Adam on G.
 */
import { gradient } from "../graph/gradient.ts";
import { Graph, type Output, type Program, type Tensor, unshaped } from "../graph/graph.ts";
import { concat, reshape } from "../graph/ops/movement.ts";
import type { Statistics } from "../nn/norms.ts";
import { Parameters } from "../nn/parameters.ts";
import { type BatchShape, generate, type Loss, type LossName, Model, type ModelOptions } from "./losses.ts";
import { accumulated, clipping, zeroing } from "./update.ts";

export { type BatchShape, type Losses, lossNames, type ModelOptions } from "./losses.ts";

/** The part of a step that ends with the update of one network. */
export interface Phase {
  network: "netG" | "netD";
  /** A batch's losses, and the gradients of the network. */
  batch: Program;
  /** Before the batches: what is done to the parameters. */
  before: Program[];
  /** After the batches: what is done to the gradients and parameters ahead of the optimiser. */
  after: Program[];
  /** The output of `batch` with the losses as a vector, and their names in it. */
  losses: { output: string; names: readonly LossName[] };
}

export interface StepGraph {
  /** In the order in which they run. */
  phases: Phase[];
  /** Values that the first phase hands to the second, under their own names. */
  carried: readonly Tensor[];
  netG: Parameters;
  netD: Parameters;
  /** How many batches each batch norm sees in a step: upstream's num_batches_tracked. */
  counts: { network: "netG" | "netD"; name: string; count: number }[];
  /** [1, 1, h, w] and so on: D's judgement of one batch, at full size; undefined where there is no D. */
  outputMap: readonly number[] | undefined;
}

/**
 * One training step as programs, for the optimisers come between them.
 *
 * They read `real_A`, `real_B`, every parameter ("netG.<name>", "netD.<name>") and what the host draws for the networks
 * (`masks`, `uniforms`). D's phase gives `fake_B`, `losses_D` and "netD.<name>.grad"; G's reads D's new parameters as
 * "netD.<name>.updated" and gives `losses_G`, "netG.<name>.grad" and the new running statistics, "<network>.<name>.new".
 */
export function trainingStep(options: ModelOptions, batch: BatchShape): StepGraph {
  if (options.lambdaGan === 0) return withoutDiscriminator(options, batch);
  if (options.accumulate > 1) return overSeveralBatches(options, batch);
  const model = new Model(options, batch);
  const { graph, netG, netD, realB } = model;

  const fakeB = model.generate();

  // D: tell real pairs from fake ones.
  const fake = model.judge(fakeB, "fake");
  const real = model.judge(realB, "real");
  const lossD = model.lossD(real, fake, fakeB);
  const gradientsD = gradientsOf(netD, lossD);

  // G: convince D, and stay near the target.
  const { updateOrder, lambdaFeat } = options;
  let renewed: Map<Tensor, Tensor> | undefined;
  let lossG: Loss;
  if (updateOrder === "updated") {
    for (const [name, updated] of updatesOf(netD)) netD.replace(name, updated);
    lossG = model.lossG(fakeB, model.judge(fakeB, "G"), lambdaFeat > 0 ? model.judge(realB, "G, real") : undefined);
  } else {
    lossG = model.lossG(fakeB, fake, real);
    if (updateOrder === "stale") renewed = new Map([...updatesOf(netD)].map(([name, t]) => [netD.current(name), t]));
  }
  const gradientsG = gradientsOf(netG, lossG, renewed);

  const { first, second, carried } = graph.split(
    [{ name: "fake_B", tensor: fakeB }, vectorOf("losses_D", lossD), ...gradientsD],
    [vectorOf("losses_G", lossG), ...gradientsG, ...statisticsOf(netG), ...statisticsOf(netD)],
  );
  const phases = [phase(netD, first, lossD, options), phase(netG, second, lossG, options)];
  const counts = [...countsOf(netG), ...countsOf(netD)];
  return { phases, carried, netG, netD, counts, outputMap: real[0]!.at(-1)!.shape };
}

/** The paper's L1 alone: a step of G that no D judges. */
function withoutDiscriminator(options: ModelOptions, batch: BatchShape): StepGraph {
  const model = new Model(options, batch);
  const { graph, netG, netD } = model;
  const fakeB = model.generate();
  const loss = model.lossG(fakeB);
  const gradients = accumulated(graph, gradientsOf(netG, loss), options);
  const outputs = [{ name: "fake_B", tensor: fakeB }, vectorOf("losses_G", loss), ...gradients, ...statisticsOf(netG)];
  const phases = [phase(netG, graph.program(outputs), loss, options)];
  return { phases, carried: [], netG, netD, counts: countsOf(netG), outputMap: undefined };
}

/**
 * A step whose gradients are means over several batches: that of one batch of them all, in the memory of one (but for batch
 * norms, which see each batch by itself). D's update comes before G's first batch, so G goes through the batches a second
 * time, in a graph of its own.
 */
function overSeveralBatches(options: ModelOptions, batch: BatchShape): StepGraph {
  const forD = new Model(options, batch);
  const fakeB = forD.generate();
  const fake = forD.judge(fakeB, "fake");
  const real = forD.judge(forD.realB, "real");
  const lossD = forD.lossD(real, fake, fakeB);
  const gradientsD = accumulated(forD.graph, gradientsOf(forD.netD, lossD), options);
  const stepD = forD.graph.program([vectorOf("losses_D", lossD), ...gradientsD, ...statisticsOf(forD.netD)]);

  const forG = new Model(options, batch);
  const { netG, netD } = forG;
  const pictures = forG.generate();
  const realG = options.lambdaFeat > 0 ? forG.judge(forG.realB, "G, real") : undefined;
  const lossG = forG.lossG(pictures, forG.judge(pictures, "G"), realG);
  const gradientsG = accumulated(forG.graph, gradientsOf(netG, lossG), options);
  const outputs = [{ name: "fake_B", tensor: pictures }, vectorOf("losses_G", lossG), ...gradientsG];
  const stepG = forG.graph.program([...outputs, ...statisticsOf(netG), ...statisticsOf(netD)]);

  const phases = [phase(forD.netD, stepD, lossD, options), phase(netG, stepG, lossG, options)];
  const counts = [...countsOf(forD.netD), ...countsOf(netG), ...countsOf(netD)];
  return { phases, carried: [], netG, netD: forD.netD, counts, outputMap: real[0]!.at(-1)!.shape };
}

function phase(net: Parameters, batch: Program, { parts }: Loss, options: ModelOptions): Phase {
  const { clipGrad, zeroBias } = options;
  const network = net.network as Phase["network"];
  const zero = zeroBias ? zeroing(net) : [];
  return {
    network,
    batch,
    // The paper's code zeroes biases before each of its two closures, of which D's comes before D has judged, and G's
    // after G has drawn.
    before: network === "netD" ? zero : [],
    after: [...(clipGrad > 0 ? [clipping(net, clipGrad)] : []), ...(network === "netG" ? zero : [])],
    losses: { output: network === "netD" ? "losses_D" : "losses_G", names: parts.map(([name]) => name) },
  };
}

/**
 * The gradients of a network's trained parameters, as "<network>.<name>.grad".
 * @param renewed tensors that the backward pass sees in the place of those of the forward pass
 */
function gradientsOf(net: Parameters, { total }: Loss, renewed?: ReadonlyMap<Tensor, Tensor>): Output[] {
  const specs = net.trainable;
  const gradients = gradient(
    total,
    specs.map((s) => net.current(s.name)),
    renewed,
  );
  return specs.map((s, i) => ({ name: `${net.network}.${s.name}.grad`, tensor: unshaped(gradients[i]!) }));
}

/** A network's parameters as they are after its update, by name: inputs of the second program. */
function updatesOf({ graph, network, trainable }: Parameters): Map<string, Tensor> {
  return new Map(trainable.map(({ name, shape }) => [name, graph.input(`${network}.${name}.updated`, shape)]));
}

/** The new running statistics of a network. */
function statisticsOf(net: Parameters): Output[] {
  return net.statistics.map(({ name }) => ({ name: `${net.network}.${name}.new`, tensor: net.current(name) }));
}

function countsOf({ network, batches }: Parameters): StepGraph["counts"] {
  return [...batches].map(([name, count]) => ({ network: network as Phase["network"], name, count }));
}

function vectorOf(name: string, { parts }: Loss): Output {
  const values = parts.map(([, value]) => reshape(value, [1]));
  return { name, tensor: values.length === 1 ? values[0]! : concat(values, 0) };
}

/** G alone, for pictures: inputs `real_A`, parameters and masks; output `fake_B`. */
export function generatorGraph(
  options: ModelOptions,
  batch: BatchShape,
  statistics: Statistics = "batch",
): { program: Program; netG: Parameters } {
  const graph = new Graph();
  const netG = new Parameters(graph, "netG");
  const realA = graph.input("real_A", [batch.n, options.inputNc, batch.height, batch.width]);
  graph.output("fake_B", generate(netG, realA, options, statistics));
  return { program: graph.program(), netG };
}
