/**
 * Options of other implementations that have another name here or no counterpart: of the PyTorch repository in all its
 * versions, of the paper's code (Torch), and of Christopher Hesse's (TensorFlow).
 */
import { ConfigError } from "../errors.ts";
import { plainName } from "../text.ts";

/** What an option of another implementation stands for. */
export interface Meaning {
  /** Options that replace it, by key, as text or true. */
  replacement?: Readonly<Record<string, string | true>>;
  /** A line to print. */
  note?: string;
}

/** An option of another implementation that does not exist here. */
export interface UpstreamOption {
  /** A value follows it. */
  value: boolean;
  /**
   * @param has whether the command has the option of this key
   * @throws ConfigError for a value without a counterpart
   */
  meaning(value: string, has: (key: string) => boolean): Meaning;
  /** The meaning of `--flag=false`, of an option without a value; none where it is absent. */
  off?: Meaning;
}

const remark = (value: boolean, text: string): UpstreamOption => ({ value, meaning: () => ({ note: text }) });
const page = "every run has an index.html with loss curves and pictures, and a loss_log.jsonl";

const wandb =
  "there is no client of Weights & Biases; --tensorboard writes files that wandb sync uploads (docs/serve.md)";

/** An option that stands for options of this program, and a note that names these. */
const replaced = (value: boolean, replacement: (value: string) => Record<string, string | true>, text: string) => ({
  value,
  meaning: (given: string): Meaning => ({ replacement: replacement(given), note: text.replaceAll("VALUE", given) }),
});

/** A switch of the paper's code: 0 switches a part off that is on by default. */
const partOff = (flag: string, key: string, off: string | true): UpstreamOption => ({
  value: true,
  meaning(value) {
    if (value === "1") return {};
    if (value !== "0") throw new ConfigError(`${flag}: got "${value}", expected 0 or 1`);
    const option = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return { replacement: { [key]: off }, note: `taken as ${option}${off === true ? "" : ` ${off}`}` };
  },
});

/** The PyTorch repository's --model. */
const model: UpstreamOption = {
  value: true,
  meaning(value, has) {
    if (value === "test" && has("resultsDir")) {
      throw new ConfigError(
        "--model test translates pictures without targets: use pix2pix translate --name NAME --input FOLDER --out FOLDER; " +
          "pix2pix test compares outputs with targets, so it takes pairs",
      );
    }
    if (value === "pix2pix" || value === "test") return {};
    if (value === "colorization") {
      return { replacement: { datasetMode: value }, note: "taken as --dataset-mode colorization" };
    }
    throw new ConfigError(
      `--model: got "${value}", expected pix2pix or colorization; other models (CycleGAN, ...) are not supported`,
    );
  },
};

/** Hesse's --mode, which is the command here. */
const mode: UpstreamOption = {
  value: true,
  meaning(value, has) {
    const command = has("input") ? "translate" : has("resultsDir") ? "test" : "train";
    if (value === (command === "train" ? "train" : "test"))
      return { note: `not needed: the command is pix2pix ${command}` };
    const instead = { train: "pix2pix train", test: "pix2pix test or pix2pix translate" }[value];
    throw new ConfigError(`--mode ${value}: ${instead ? `use ${instead}` : "expected train or test"}`);
  },
};

/** Hesse's folders. --input_dir is the folder of the pictures, --output_dir that of the run or of the results. */
const inputDir: UpstreamOption = {
  value: true,
  meaning: (value, has): Meaning =>
    has("input")
      ? { replacement: { input: value }, note: `taken as --input ${value}` }
      : { replacement: { dataroot: value }, note: `taken as --dataroot ${value}` },
};
const outputDir: UpstreamOption = {
  value: true,
  meaning(value, has): Meaning {
    if (has("out")) return { replacement: { out: value }, note: `taken as --out ${value}` };
    if (has("resultsDir")) return { replacement: { resultsDir: value }, note: `taken as --results-dir ${value}` };
    const [, folder, name = value] = /^(.+)[/\\]([^/\\]+)[/\\]*$/.exec(value) ?? [];
    if (folder === undefined) return { replacement: { name }, note: `taken as --name ${name}, in --checkpoints-dir` };
    return {
      replacement: { name, checkpointsDir: folder },
      note: `taken as --name ${name} --checkpoints-dir ${folder}`,
    };
  },
};

/** Options without a counterpart of that name, by plain name. */
const withoutCounterpart: Record<string, UpstreamOption> = {
  overlap: remark(true, "--overlap has no effect: tiles give the output of the picture in one piece by themselves"),
  model,
  mode,
  inputdir: inputDir,
  outputdir: outputDir,
  nolsgan: replaced(false, () => ({ ganMode: "vanilla" }), "taken as --gan-mode vanilla"),
  maxepochs: replaced(
    true,
    (epochs) => ({ nEpochs: epochs, nEpochsDecay: "0" }),
    "taken as --n-epochs VALUE --n-epochs-decay 0; --profile hesse has the other defaults of that code",
  ),
  labcolorization: replaced(false, () => ({ datasetMode: "colorization" }), "taken as --dataset-mode colorization"),
  usegan: partOff("--use_GAN", "lambdaGan", "0"),
  usel1: partOff("--use_L1", "lambdaL1", "0"),
  conditiongan: partOff("--condition_GAN", "noCondition", true),
  flip: {
    ...remark(false, "not needed: pairs are mirrored at random unless --no-flip is given"),
    off: { replacement: { noFlip: true }, note: "taken as --no-flip" },
  },
  outputfiletype: remark(true, "outputs are PNG files"),
  tracefreq: remark(true, "has no effect: there is no trace of the runtime"),
  summaryfreq: remark(true, page),
  gpuids: {
    value: true,
    meaning: (value) =>
      value === "-1"
        ? { replacement: { device: "cpu" }, note: "taken as --device cpu" }
        : { note: "not needed: --device auto chooses the device" },
  },
  numthreads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  nthreads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  displayid: remark(true, page),
  displayserver: remark(true, page),
  displayenv: remark(true, page),
  displayport: remark(true, page),
  displayncols: remark(true, page),
  displaywinsize: remark(true, page),
  updatehtmlfreq: remark(true, `${page}; a strip of pictures is added each epoch`),
  usewandb: remark(false, wandb),
  wandbprojectname: remark(true, wandb),
  nohtml: remark(false, `has no effect: ${page}`),
  verbose: remark(false, "not needed: train prints both networks with their sizes"),
  eval: remark(false, "an option of test and translate"),
  epochcount: remark(
    true,
    "not needed: --continue-train goes on with the epoch after the weights that it takes, and its learning rate",
  ),
  loaditer: {
    value: true,
    meaning(value, has) {
      if (!has("epoch")) return { note: "not needed: --continue-train goes on from the last checkpoint" };
      return value === "0" ? {} : { replacement: { epoch: `iter_${value}` }, note: `taken as --epoch iter_${value}` };
    },
  },
  modelsuffix: remark(true, "not needed: a run has one generator"),
  poolsize: remark(true, "pix2pix has no image pool"),
  aspectratio: remark(true, "an option of test and translate"),
};

/** The same of the PyTorch repository's script that combines pairs, for `data combine`. */
const ofCombine: Record<string, UpstreamOption> = {
  nomultiprocessing: remark(false, "not needed: one process combines the pairs"),
};

/** Flags of renamed options, by the earlier plain name. */
const renamed: Record<string, string> = {
  finesize: "--crop-size",
  whichdirection: "--direction",
  whichmodelnetg: "--netG",
  whichmodelnetd: "--netD",
  whichepoch: "--epoch",
  niter: "--n-epochs",
  niterdecay: "--n-epochs-decay",
  howmany: "--num-test",
  resizeorcrop: "--preprocess",
  scalesize: "--load-size",
  l1weight: "--lambda-l1",
  ganweight: "--lambda-gan",
  lambda: "--lambda-l1",
  lambdaa: "--lambda-l1",
  progressfreq: "--print-freq",
  savefreq: "--save-latest-freq",
  checkpoint: "--name",
  ntrain: "--max-dataset-size",
  ntest: "--num-test",
};

/** Scripts of the PyTorch repository, as words of a command here. */
const scripts: Record<string, readonly string[]> = {
  "train.py": ["train"],
  "test.py": ["test"],
  "combine_A_and_B.py": ["data", "combine"],
  "download_pix2pix_dataset.sh": ["data", "download"],
};

/** Where the PyTorch repository's script puts a data set. */
const datasets = ["--out", "datasets"];

/**
 * Arguments that begin with a script of the PyTorch repository, wherever it lies, as the command that does the same; undefined
 * for all others.
 */
export function upstreamScript([script = "", ...args]: readonly string[]): string[] | undefined {
  const name = script.replace(/^.*[/\\]/, "");
  if (!Object.hasOwn(scripts, name)) return undefined;
  const placed = args.some((arg) => plainName(arg.replace(/=.*/, "")) === "out");
  const place = name === "download_pix2pix_dataset.sh" && !placed ? datasets : [];
  return [...scripts[name]!, ...args, ...place];
}

const entry = <T>(table: Record<string, T>, name: string): T | undefined => {
  const key = plainName(name);
  return Object.hasOwn(table, key) ? table[key] : undefined;
};

/** The option without a counterpart that has this name, in any spelling. */
export const upstreamOption = (name: string): UpstreamOption | undefined =>
  entry(withoutCounterpart, renamedFlag(name) ?? name);

export const upstreamOfCombine = (name: string): UpstreamOption | undefined => entry(ofCombine, name);

/** The flag of an option by its earlier name, in any spelling. */
export const renamedFlag = (name: string): string | undefined => entry(renamed, name);

/** All options of other implementations, by plain name: what a misspelt option may have meant. */
export const upstreamFlags = [...Object.keys(withoutCounterpart), ...Object.keys(renamed)].map((name) => `--${name}`);

/** Values of other implementations, by the key of the option: the value here, and why it is the same. */
const values: Record<string, Record<string, readonly [value: string, why: string]>> = {
  norm: {
    syncbatch: ["batch", "one process computes the whole batch, so its statistics are always those of all of it"],
  },
  netG: { unet: ["unet_256", "the paper's code calls it so"] },
};

/** Values of other implementations that have no counterpart, by the key of the option, with what to do. */
const refused: Record<string, Record<string, string>> = {
  datasetMode: {
    unaligned: "unpaired pictures are for CycleGAN, which is not supported; pix2pix needs pairs",
  },
};

/**
 * The value here for a value of another implementation, with a line to print; undefined where it is none.
 * @throws ConfigError for a value without a counterpart
 */
export function upstreamValue(key: string, flag: string, value: string): { value: string; note: string } | undefined {
  const why = Object.hasOwn(refused, key) ? refused[key]![value] : undefined;
  if (why !== undefined) throw new ConfigError(`${flag}: got "${value}"; ${why}`);
  const known = Object.hasOwn(values, key) && Object.hasOwn(values[key]!, value) ? values[key]![value] : undefined;
  return known && { value: known[0], note: `${flag} ${value}: taken as ${known[0]}: ${known[1]}` };
}

/**
 * The name of a run with the PyTorch repository's --suffix: "_" and the suffix, in which {netG}, {load_size} and the like
 * are values of options.
 * @param textOf the value of an option by its plain name; undefined for a name that is no option
 * @throws ConfigError for a name in braces that is no option
 */
export function suffixed(name: string, suffix: string, textOf: (plain: string) => string | undefined): string {
  const text = suffix.replace(/\{(\w+)\}/g, (braces, option: string) => {
    const value = option === "model" ? "pix2pix" : textOf(plainName(option));
    if (value === undefined) throw new ConfigError(`--suffix: ${braces} is no option`);
    return value;
  });
  return `${name}_${text}`;
}
