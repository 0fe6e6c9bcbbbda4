/** Options of the PyTorch implementation, in all its versions, that have another name here or no counterpart. */
import { plainName } from "../config/options.ts";
import { ConfigError } from "../errors.ts";

/** An option of upstream that does not exist here. */
export interface UpstreamOption {
  /** A value follows it. */
  value: boolean;
  /** Options that replace it, by key, and a line to print. @throws ConfigError for a value without a counterpart */
  meaning(value: string): { replacement?: Readonly<Record<string, string>>; note?: string };
}

const remark = (value: boolean, text: string): UpstreamOption => ({ value, meaning: () => ({ note: text }) });
const page = "every run has an index.html with loss curves and pictures, and a loss_log.jsonl";

/** Options without a counterpart, by plain name. */
const withoutCounterpart: Record<string, UpstreamOption> = {
  model: {
    value: true,
    meaning(value) {
      if (value === "pix2pix" || value === "test") return {};
      throw new ConfigError(`--model: got "${value}", expected pix2pix; other models (CycleGAN, ...) are not here`);
    },
  },
  gpuids: {
    value: true,
    meaning: (value) =>
      value === "-1"
        ? { replacement: { device: "cpu" }, note: "taken as --device cpu" }
        : { note: "not needed: --device auto takes what is there" },
  },
  numthreads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  nthreads: remark(true, "not needed: pictures are prepared ahead; --threads sets the threads of a step"),
  displayid: remark(true, page),
  displayserver: remark(true, page),
  displayenv: remark(true, page),
  displayport: remark(true, page),
  displayncols: remark(true, page),
  displaywinsize: remark(true, page),
  displayfreq: remark(true, `${page}; a strip of pictures is added each epoch`),
  updatehtmlfreq: remark(true, `${page}; a strip of pictures is added each epoch`),
  usewandb: remark(false, page),
  wandbprojectname: remark(true, page),
  nohtml: remark(false, `no switch: ${page}`),
  verbose: remark(false, "not needed: train prints both networks with their sizes"),
  suffix: remark(true, "put it into --name"),
  eval: remark(false, "an option of test and translate"),
  epochcount: remark(true, "not needed: --continue-train goes on with the epoch and learning rate it stopped at"),
  loaditer: remark(true, "not needed: --continue-train goes on from the last checkpoint"),
  savebyiter: remark(false, "use --save-latest-freq N for a checkpoint every N steps"),
  poolsize: remark(true, "pix2pix has no image pool"),
  aspectratio: remark(true, "an option of test and translate"),
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
};

const entry = <T>(table: Record<string, T>, name: string): T | undefined => {
  const key = plainName(name);
  return Object.hasOwn(table, key) ? table[key] : undefined;
};

/** The option without a counterpart that has this name, in any spelling. */
export const upstreamOption = (name: string): UpstreamOption | undefined => entry(withoutCounterpart, name);

/** The flag of an option by its earlier name, in any spelling. */
export const renamedFlag = (name: string): string | undefined => entry(renamed, name);
