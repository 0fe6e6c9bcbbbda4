/**
 * Whole training steps of PyTorch, as cases on disk, and how far another implementation may be from them. The cases of
 * ../shared/reference are PyTorch's own; those of fixtures/steps come from fixtures/make/steps.py, which is first
 * checked against the former (fixtures/make/networks.py CASE...).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { decode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { fixture, reference } from "../paths.ts";

/** Relative: each loss; the update (final - initial) of a network's weights together, L2; running statistics. */
export interface Tolerance {
  loss: number;
  update: number;
  statistics: number;
}
/** As the cases' own README says. Rounding decides which side of a ReLU an activation next to zero takes. */
export const loose: Tolerance = { loss: 1e-4, update: 0.05, statistics: 1e-4 };
/** These cases were chosen for room: noise of float32's size moves no loss by 2e-6 and no update by 1e-3. */
export const tight: Tolerance = { loss: 1e-5, update: 0.01, statistics: 1e-4 };

/** A folder of training steps with the tolerance that each step is held to. */
export interface StepCase {
  name: string;
  folder: string;
  tolerance: Tolerance;
}

function casesIn(parent: string, tolerance: Tolerance): StepCase[] {
  return (existsSync(parent) ? readdirSync(parent) : [])
    .filter((name) => existsSync(join(parent, name, "expected.json")))
    .map((name) => ({ name, folder: join(parent, name), tolerance }));
}

/** The steps of the fixtures, and those beside the repository where they are there. */
export const fixtureSteps = casesIn(fileURLToPath(fixture("steps")), tight);
export const referenceSteps = casesIn(reference, loose);
export const stepCases: readonly StepCase[] = [...fixtureSteps, ...referenceSteps];

export interface Case {
  config: {
    levels: number;
    ngf: number;
    ndf: number;
    norm: "batch" | "instance" | "none";
    gan: "vanilla" | "lsgan";
    netG: "unet" | "article";
    netD: "basic" | "n_layers" | "pixel" | "article";
    n_layers: number;
    batch: number;
    steps: number;
    lambda_l1: number;
    input_nc?: number;
    output_nc?: number;
    direction?: "AtoB" | "BtoA";
    n_epochs?: number;
    n_epochs_decay?: number;
  };
  losses: Losses[];
}

export interface Losses {
  G_GAN: number;
  G_L1: number;
  D_real: number;
  D_fake: number;
  epoch?: number;
  lr?: number;
}

export type Tensors = Record<string, StoredTensor>;

export const read = (path: string): Tensors => decode(readFileSync(path), path).tensors;
const length = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** |actual - expected| / |expected - initial| (L2) over all the tensors of these names together. */
export function updateError(names: string[], initial: Tensors, expected: Tensors, actual: Tensors): number {
  const all = (tensors: Tensors) => names.flatMap((name) => Array.from(tensors[name]!.data, Number));
  const [from, want, got] = [all(initial), all(expected), all(actual)];
  return length(got.map((value, i) => value - want[i]!)) / length(want.map((value, i) => value - from[i]!));
}

function compareNetwork(
  norm: string,
  tolerance: Tolerance,
  initial: Tensors,
  expected: Tensors,
  actual: Tensors,
): void {
  const names = Object.keys(expected);
  const isStatistic = (name: string) => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);
  const weights = names.filter((name) => expected[name]!.shape.length === 4);
  expect(updateError(weights, initial, expected, actual), "update of the weights").toBeLessThan(tolerance.update);
  // A bias that a norm follows has no gradient but rounding; only instance norm leaves such biases in.
  const others = names.filter((name) => expected[name]!.shape.length === 1 && !isStatistic(name));
  if (norm !== "instance") {
    expect(updateError(others, initial, expected, actual), "update of the rest").toBeLessThan(tolerance.update);
  }
  for (const name of names.filter(isStatistic)) {
    const want = Array.from(expected[name]!.data, Number);
    const got = Array.from(actual[name]!.data, Number);
    const scale = Math.max(...want.map(Math.abs));
    const error = Math.max(...got.map((value, i) => Math.abs(value - want[i]!))) / scale;
    expect(error, `${name}: ${got.slice(0, 4)}, expected ${want.slice(0, 4)}`).toBeLessThan(tolerance.statistics);
  }
}

/** The losses of every step, and the epoch and rate where the case has them. */
export function compareLosses(
  expected: readonly Losses[],
  rows: readonly (Losses & { step: number })[],
  tolerance: number,
) {
  expect(rows.map((row) => row.step)).toEqual(expected.map((_, i) => i + 1));
  expected.forEach((want, i) => {
    const got = rows[i]!;
    for (const key of ["G_GAN", "G_L1", "D_real", "D_fake"] as const) {
      const text = `step ${i + 1} ${key}: ${got[key]}, expected ${want[key]}`;
      expect(Math.abs(got[key] / want[key] - 1), text).toBeLessThan(tolerance);
    }
    if (want.epoch !== undefined) expect(got.epoch, `epoch of step ${i + 1}`).toBe(want.epoch);
    if (want.lr !== undefined) expect(got.lr, `rate of step ${i + 1}`).toBeCloseTo(want.lr, 9);
  });
}

/** The weights at the end of a case: names, shapes and, where it has them, values. */
export function compareWeights(
  folder: string,
  letter: "G" | "D",
  norm: string,
  tolerance: Tolerance,
  actual: Tensors,
): void {
  const initial = read(join(folder, `init_net_${letter}.safetensors`));
  const shapes = (tensors: Tensors) =>
    Object.fromEntries(Object.entries(tensors).map(([key, { dtype, shape }]) => [key, `${dtype} [${shape}]`]));
  expect(shapes(actual)).toEqual(shapes(initial));
  const final = join(folder, `final_net_${letter}.safetensors`);
  if (existsSync(final)) compareNetwork(norm, tolerance, initial, read(final), actual);
}

export function readCase(folder: string): Case {
  return JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Case;
}

/** The training options of a case whose data and first weights are in `folder`. */
export function optionsOf({ config }: Case, folder: string): Record<string, string | number | true> {
  const networks =
    config.netG === "article"
      ? { profile: "article", pairOrder: "input_first" }
      : { netG: `unet_${2 ** config.levels}`, netD: config.netD, norm: config.norm };
  const options = {
    ...networks,
    dataroot: `${folder}/data`,
    initG: `${folder}/init_net_G.safetensors`,
    initD: `${folder}/init_net_D.safetensors`,
    ngf: config.ngf,
    ndf: config.ndf,
    nLayersD: config.n_layers,
    ganMode: config.gan,
    batchSize: config.batch,
    maxSteps: config.steps,
    lambdaL1: config.lambda_l1,
    inputNc: config.input_nc,
    outputNc: config.output_nc,
    direction: config.direction ?? "AtoB",
    nEpochs: config.n_epochs,
    nEpochsDecay: config.n_epochs_decay,
    preprocess: "none",
    noDropout: true as const,
    noFlip: true as const,
    serialBatches: true as const,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string | number | true>;
}

/** The command line of `pix2pix train` for a case. */
export function flagsOf(options: ReturnType<typeof optionsOf>): string[] {
  return Object.entries(options).map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));
}

/** Compares the losses and the final weights of a run with PyTorch's. */
export function compareRun({ folder, tolerance }: StepCase, runDir: string): void {
  const { losses, config } = readCase(folder);
  const log = readFileSync(join(runDir, "loss_log.jsonl"), "utf8").trim().split("\n");
  compareLosses(
    losses,
    log.map((line) => JSON.parse(line)),
    tolerance.loss,
  );
  for (const letter of ["G", "D"] as const) {
    const actual = read(join(runDir, `latest_net_${letter}.safetensors`));
    compareWeights(folder, letter, config.norm, tolerance, actual);
  }
}
