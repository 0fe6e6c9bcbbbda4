/**
 * Options of other implementations that have another name here or no counterpart: of the PyTorch repository in all its
 * versions, of pix2pixHD, of the paper's code (Torch), and of Christopher Hesse's (TensorFlow).
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

/** An option without a counterpart. @param value a value follows it */
const refusal = (flag: string, value: boolean, text: string): UpstreamOption => ({
  value,
  meaning() {
    throw new ConfigError(`${flag}: ${text}`);
  },
});

/** An option whose value is always the same here. @throws ConfigError for another value */
const fixed = (flag: string, only: string, what: string): UpstreamOption => ({
  value: true,
  meaning(value) {
    if (Number(value) === Number(only)) return {};
    throw new ConfigError(`${flag}: got "${value}", expected ${only}, ${what}`);
  },
});

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
    if (value === "pix2pixHD") return { replacement: { profile: "pix2pixhd" }, note: "taken as --profile pix2pixhd" };
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
    return runIn(value);
  },
};

/** The folder of a run as options. */
function runIn(path: string): Meaning {
  const [, folder, name = path] = /^(.+)[/\\]([^/\\]+)[/\\]*$/.exec(path) ?? [];
  if (folder === undefined) return { replacement: { name }, note: `taken as --name ${name}, in --checkpoints-dir` };
  return {
    replacement: { name, checkpointsDir: folder },
    note: `taken as --name ${name} --checkpoints-dir ${folder}`,
  };
}

/** Hesse's folder of a trained network. */
const checkpoint: UpstreamOption = {
  value: true,
  meaning(value, has) {
    if (has("input") || has("resultsDir")) return runIn(value);
    throw new ConfigError(
      `--checkpoint ${value}: to continue a run use --name NAME --continue-train; to begin another with its weights, --init-g FILE`,
    );
  },
};

/** pix2pixHD's --label_nc; 0 are inputs in colour. */
const labelNc: UpstreamOption = {
  value: true,
  meaning(value) {
    if (value === "0") return { note: "not needed: inputs are colours unless --input-labels is given" };
    const more = "--input-instances adds instance maps, and --profile pix2pixhd sets that code's networks and losses";
    return { replacement: { inputLabels: value }, note: `taken as --input-labels ${value}; ${more}` };
  },
};

const encoded = "features of an encoder as a further input are not supported";
const ofCycleGan = "an option of CycleGAN, which is not supported";

/** Options of pix2pixHD, by their names there. */
const ofPix2pixHD: Record<string, UpstreamOption> = {
  label_nc: labelNc,
  no_instance: remark(false, "not needed: instance maps are read only with --input-instances"),
  no_ganFeat_loss: replaced(false, () => ({ lambdaFeat: "0" }), "taken as --lambda-feat 0"),
  no_vgg_loss: remark(false, "not needed: a loss on features of a network needs --lambda-lpips"),
  tf_log: replaced(false, () => ({ tensorboard: true }), "taken as --tensorboard"),
  n_downsample_global: fixed("--n_downsample_global", "4", "as global_9blocks and enhancer have it"),
  n_blocks_global: fixed("--n_blocks_global", "9", "as global_9blocks and enhancer have it"),
  n_blocks_local: fixed("--n_blocks_local", "3", "as enhancer has it"),
  n_local_enhancers: fixed("--n_local_enhancers", "1", "as enhancer has it"),
  niter_fix_global: fixed("--niter_fix_global", "0", "because all layers are trained from the first epoch"),
  data_type: fixed("--data_type", "32", "because training is in float32"),
  fp16: remark(false, "has no effect: networks are computed in float32"),
  load_pretrain: refusal(
    "--load_pretrain",
    true,
    "use --init-g FILE and --init-d FILE, with weights of the same networks",
  ),
  use_dropout: remark(
    false,
    "not needed: a ResNet has dropout unless --no-dropout is given; --profile pix2pixhd gives it",
  ),
  local_rank: remark(true, "not needed: it is set by a launcher of PyTorch"),
  instance_feat: refusal("--instance_feat", false, encoded),
  label_feat: refusal("--label_feat", false, encoded),
  load_features: refusal("--load_features", false, encoded),
  use_encoded_image: refusal("--use_encoded_image", false, encoded),
  feat_num: refusal("--feat_num", true, encoded),
  cluster_path: refusal("--cluster_path", true, encoded),
};

/** Options without a counterpart of that name, by their names there. */
const withoutCounterpart: Record<string, UpstreamOption> = {
  ...ofPix2pixHD,
  overlap: remark(true, "--overlap has no effect: tiles give the output of the picture in one piece by themselves"),
  model,
  mode,
  input_dir: inputDir,
  output_dir: outputDir,
  checkpoint,
  no_lsgan: replaced(false, () => ({ ganMode: "vanilla" }), "taken as --gan-mode vanilla"),
  max_epochs: replaced(
    true,
    (epochs) => ({ nEpochs: epochs, nEpochsDecay: "0" }),
    "taken as --n-epochs VALUE --n-epochs-decay 0; --profile hesse has the other defaults of that code",
  ),
  lab_colorization: replaced(false, () => ({ datasetMode: "colorization" }), "taken as --dataset-mode colorization"),
  use_GAN: partOff("--use_GAN", "lambdaGan", "0"),
  use_L1: partOff("--use_L1", "lambdaL1", "0"),
  condition_GAN: partOff("--condition_GAN", "noCondition", true),
  flip: {
    ...remark(false, "not needed: pairs are mirrored at random unless --no-flip is given"),
    off: { replacement: { noFlip: true }, note: "taken as --no-flip" },
  },
  output_filetype: remark(true, "outputs are PNG files"),
  trace_freq: remark(true, "has no effect: there is no trace of the runtime"),
  summary_freq: remark(true, page),
  gpu_ids: {
    value: true,
    meaning: (value) =>
      value === "-1"
        ? { replacement: { device: "cpu" }, note: "taken as --device cpu" }
        : { replacement: { device: "auto" }, note: "taken as --device auto, which uses a GPU if there is one" },
  },
  num_threads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  nThreads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  display_id: remark(true, page),
  display_server: remark(true, page),
  display_env: remark(true, page),
  display_port: remark(true, page),
  display_ncols: remark(true, page),
  display_winsize: remark(true, page),
  update_html_freq: remark(true, `${page}; a strip of pictures is added each epoch`),
  use_wandb: remark(false, wandb),
  wandb_project_name: remark(true, wandb),
  no_html: remark(false, `has no effect: ${page}`),
  verbose: remark(false, "not needed: train prints both networks with their sizes"),
  eval: remark(false, "an option of test and translate"),
  epoch_count: remark(
    true,
    "not needed: --continue-train goes on with the epoch after the weights that it takes, and its learning rate",
  ),
  load_iter: {
    value: true,
    meaning(value, has) {
      if (!has("epoch")) return { note: "not needed: --continue-train goes on from the last checkpoint" };
      return value === "0" ? {} : { replacement: { epoch: `iter_${value}` }, note: `taken as --epoch iter_${value}` };
    },
  },
  model_suffix: remark(true, "not needed: a run has one generator"),
  pool_size: remark(true, "pix2pix has no image pool"),
  lambda_B: refusal("--lambda_B", true, ofCycleGan),
  lambda_identity: refusal("--lambda_identity", true, ofCycleGan),
  identity: refusal("--identity", true, ofCycleGan),
  aspect_ratio: remark(true, "an option of test and translate"),
};

/** The same of the PyTorch repository's script that combines pairs, for `data combine`. */
const ofCombine: Record<string, UpstreamOption> = {
  no_multiprocessing: remark(false, "not needed: one process combines the pairs"),
};

/** Flags of renamed options, by the earlier name. */
const renamed: Record<string, string> = {
  fineSize: "--crop-size",
  which_direction: "--direction",
  which_model_netG: "--netG",
  which_model_netD: "--netD",
  which_epoch: "--epoch",
  niter: "--n-epochs",
  niter_decay: "--n-epochs-decay",
  how_many: "--num-test",
  resize_or_crop: "--preprocess",
  scale_size: "--load-size",
  l1_weight: "--lambda-l1",
  gan_weight: "--lambda-gan",
  lambda: "--lambda-l1",
  lambda_A: "--lambda-l1",
  progress_freq: "--print-freq",
  save_freq: "--save-latest-freq",
  ntrain: "--max-dataset-size",
  ntest: "--num-test",
};

/** Scripts of the PyTorch repository and of the paper's code, as words of a command here. */
const scripts: Record<string, readonly string[]> = {
  "train.py": ["train"],
  "test.py": ["test"],
  "combine_A_and_B.py": ["data", "combine"],
  "download_pix2pix_dataset.sh": ["data", "download"],
  "download_dataset.sh": ["data", "download"],
};

/** Where the scripts that download a data set put it. */
const datasets = ["--out", "datasets"];

const noWeights =
  "weights are not downloaded here; fetch the file, then make a run from it by pix2pix import FILE --name NAME";
const noCycleGan = "CycleGAN is not supported; pix2pix needs pairs";

/** Scripts of the PyTorch repository, of pix2pixHD and of Hesse's that no command here takes the place of, with what to do. */
const scriptAdvice: Record<string, string> = {
  "download_pix2pix_model.sh": noWeights,
  "download_model.sh": noWeights,
  "download_cyclegan_model.sh": noCycleGan,
  "download_cyclegan_dataset.sh": noCycleGan,
  "pix2pix.py": "use pix2pix train --profile hesse, pix2pix test or pix2pix translate, with the same options",
  "process.py": "use pix2pix data resize, blank, grayscale, edges or combine",
  "split.py": "use pix2pix data split",
  "download-dataset.py": "use pix2pix data download",
  "encode_features.py": encoded,
  "precompute_feature_maps.py": encoded,
};

const fileName = (script: string) => script.replace(/^.*[/\\]/, "");

/** What to do instead of a script of another implementation; undefined for all other words. */
export const adviceForScript = (script: string): string | undefined =>
  Object.hasOwn(scriptAdvice, fileName(script)) ? scriptAdvice[fileName(script)] : undefined;

/**
 * Arguments that begin with a script of another implementation, wherever it lies, as the command that does the same; undefined
 * for all others.
 */
export function upstreamScript([script = "", ...args]: readonly string[]): string[] | undefined {
  const name = fileName(script);
  if (!Object.hasOwn(scripts, name)) return undefined;
  const placed = args.some((arg) => plainName(arg.replace(/=.*/, "")) === "out");
  const place = name.startsWith("download") && !placed ? datasets : [];
  return [...scripts[name]!, ...args, ...place];
}

/** The entry of a name in any spelling. */
const entry = <T>(table: Record<string, T>, name: string): T | undefined =>
  Object.entries(table).find(([key]) => plainName(key) === plainName(name))?.[1];

/** The option without a counterpart that has this name, in any spelling. */
export const upstreamOption = (name: string): UpstreamOption | undefined =>
  entry(withoutCounterpart, renamedFlag(name) ?? name);

export const upstreamOfCombine = (name: string): UpstreamOption | undefined => entry(ofCombine, name);

/** The flag of an option by its earlier name, in any spelling. */
export const renamedFlag = (name: string): string | undefined => entry(renamed, name);

/** All options of other implementations, as they are spelt there: what a misspelt option may have meant. */
export const upstreamFlags = [...Object.keys(withoutCounterpart), ...Object.keys(renamed)].map((name) => `--${name}`);

const oneProcess = "one process computes the whole batch, so its statistics are always those of all of it";

/** Values of other implementations, by the key of the option: the value here, and why it is the same. */
const values: Record<string, Record<string, readonly [value: string, why: string]>> = {
  norm: {
    syncbatch: ["batch", oneProcess],
    sync_batch: ["batch", oneProcess],
    sync_instance: ["instance", oneProcess],
  },
  netG: {
    unet: ["unet_256", "the paper's code calls it so"],
    global: ["global_9blocks", "pix2pixHD calls it so"],
    local: ["enhancer", "pix2pixHD calls it so"],
  },
  netD: { pixelGAN: ["pixel", "the paper calls it so"] },
  lrPolicy: { lambda: ["linear", "the first versions of the PyTorch repository call it so"] },
};

/** Values of other implementations that have no counterpart, by the key of the option, with what to do. */
const refused: Record<string, Record<string, string>> = {
  datasetMode: {
    unaligned: "unpaired pictures are for CycleGAN, which is not supported; pix2pix needs pairs",
  },
  preprocess: { colorization: "use --dataset-mode colorization" },
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
