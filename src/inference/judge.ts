/** A discriminator's judgement of each patch of outputs and targets: its belief that the patch is real, 0 to 1. */
import type { Config } from "../config/schema.ts";
import { neededOf, type SideForm, sideForms, writeSide } from "../data/sides.ts";
import type { Size } from "../data/sizes.ts";
import { baseDevice } from "../engines/device.ts";
import { NetworkState } from "../engines/state.ts";
import { UserError } from "../errors.ts";
import { discriminatorGraph } from "../model/pix2pix.ts";
import { discriminators, receptiveField } from "../networks/discriminators.ts";
import { type GanLoss, ganLosses } from "../nn/losses.ts";
import type { Picture, Platform } from "../platform.ts";
import { cut, stripGap as gap } from "../report/compose.ts";
import { readTensors } from "../run/checkpoint.ts";
import { loadWeights, Run, type RunPlace } from "../run/run.ts";
import { mean } from "../statistics.ts";
import { Compiler } from "./compiler.ts";

/** D's map for one picture, row by row: 1 for a patch that D takes for real, 0 for fake, 0.5 if it is undecided. */
export interface PatchMap {
  width: number;
  height: number;
  belief: number[];
  /** The mean of `belief`. */
  mean: number;
}

/** The maps of one pair of a sample. */
export interface JudgedPair {
  output: PatchMap;
  target: PatchMap;
}

/** The maps of a strip of samples. */
export interface JudgedSamples {
  /** From top to bottom. */
  pairs: JudgedPair[];
  /** Pixels of the side of the square that each value of a map judges. */
  patch: number;
  /** Steps that the discriminator was trained for. */
  step: number | undefined;
}

export interface JudgeOptions extends RunPlace {
  /** Which weights: "latest" (default), "best", or the number of a kept epoch. */
  epoch?: string | undefined;
  /** Threads of the CPU. Default: the run's, or all cores. */
  threads?: number | undefined;
}

/** A discriminator of a run, opened. */
export interface Judge {
  /**
   * Judges the outputs and targets of a strip. Each logit x becomes 1 / (1 + exp(boundary - x)), where the boundary is the logit
   * between real and fake (0.5 for lsgan, else 0). With several scales the map is that of full size.
   * @param strip rows of input, output and target, as in the run's folder samples/
   * @throws UserError for pictures of another size than the run was trained with
   */
  samples(strip: Picture): Promise<JudgedSamples>;
  /** Frees its memory. */
  close(): Promise<void>;
}

/** @throws UserError for a run without a discriminator, and for one with channels that the pictures of samples do not show */
export async function openJudge(options: JudgeOptions, platform: Platform): Promise<Judge> {
  const run = new Run(platform.files, options);
  const config = await run.config();
  checkChannels(config, run.name);
  const size = (await run.status())?.sample ?? { width: config.cropSize, height: config.cropHeight };
  const { path, step, state, program } = await loadDiscriminator(run, config, size, options, platform);
  const threads = options.threads ?? config.threads ?? platform.cores;
  const compiler = new Compiler(platform, baseDevice(platform), threads, state);
  const compiled = await compiler.compile(program);
  const { input, target } = sideForms(config);
  const [, , rows, columns] = program.outputs[0]!.tensor.shape as [number, number, number, number];
  const map = async (real_A: Float32Array, picture: Picture): Promise<PatchMap> => {
    const outputs = await compiled.run({ real_A, real_B: valuesOf(picture, target) });
    return mapOf(outputs.logits_0!, rows, columns, ganLosses[config.ganMode], path);
  };
  return {
    close: () => compiled.release(),
    async samples(strip) {
      const pairs: JudgedPair[] = [];
      for (const [A, output, real] of rowsOf(strip, size, run.name)) {
        const real_A = valuesOf(A, input);
        pairs.push({ output: await map(real_A, output), target: await map(real_A, real) });
      }
      return { pairs, patch: receptiveField(discriminators[config.netD].geometry(config)), step };
    },
  };
}

/** The judgement of a strip of samples by the latest discriminator of a run: see `openJudge`. */
export async function judgeSamples(options: JudgeOptions, strip: Picture, platform: Platform): Promise<JudgedSamples> {
  const judge = await openJudge(options, platform);
  try {
    return await judge.samples(strip);
  } finally {
    await judge.close();
  }
}

/** Input, output and target of each row of a strip. */
function rowsOf(strip: Picture, { width, height }: Size, name: string) {
  const count = (strip.height + gap) / (height + gap);
  if (strip.width !== 3 * width + 2 * gap || !Number.isInteger(count)) {
    throw new UserError(
      `The discriminator of ${name} was trained on pictures of ${width}x${height} (width x height); these have other sizes.`,
    );
  }
  return Array.from({ length: count }, (_, row) => {
    const at = (column: number) => cut(strip, { x: column * (width + gap), y: row * (height + gap), width, height });
    return [at(0), at(1), at(2)] as const;
  });
}

/** A discriminator with its weights, for pictures of one size. */
async function loadDiscriminator(
  run: Run,
  config: Config,
  { width, height }: Size,
  { epoch = "latest" }: JudgeOptions,
  { files }: Platform,
) {
  const { program, netD } = discriminatorGraph(config, { n: 1, height, width });
  const state = new NetworkState(netD);
  const path = await run.weightsPath(epoch, "D");
  const { tensors, metadata } = await readTensors(files, path);
  loadWeights(state, tensors, path);
  return { path, program, state, step: metadata.step === undefined ? undefined : Number(metadata.step) };
}

/** @throws UserError if no discriminator was trained, or a side has channels that its picture does not show */
function checkChannels(config: Config, name: string): void {
  if (config.lambdaGan === 0) throw new UserError(`The run ${name} has no discriminator (--lambda-gan 0).`);
  const { input, target } = sideForms(config);
  const shown = ({ channels, derive, labels }: SideForm) =>
    derive === undefined && labels === undefined && channels < 4;
  if (shown(input) && shown(target)) return;
  throw new UserError(
    `The discriminator of ${name} sees more than the pictures of a sample show: ${config.inputNc} channels of the input, ` +
      `${config.outputNc} of the output. Maps can be computed only for grey and RGB pictures.`,
  );
}

/** The values of a picture of 8 bits, [1, channels, height, width] in [-1, 1]. */
function valuesOf(picture: Picture, form: SideForm): Float32Array {
  const { width, height } = picture;
  const out = new Float32Array(form.channels * height * width);
  writeSide(out, 0, neededOf(picture, form), form, height, width, { x: 0, y: 0, flip: false });
  return out;
}

function mapOf(logits: Float32Array, height: number, width: number, { boundary = 0 }: GanLoss, path: string): PatchMap {
  const belief = Array.from(logits, (logit) => 1 / (1 + Math.exp(boundary - logit)));
  const middle = mean(belief);
  if (!Number.isFinite(middle)) throw new UserError(`${path} gives values that are not finite.`);
  return { width, height, belief, mean: middle };
}
