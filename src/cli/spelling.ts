/**
 * Spellings of options. Any of --lambda-l1, --lambda_L1, --lambdaL1 and --LAMBDA-L1 is the same option, with the value
 * after a space or an equals sign; options of the older systems are taken where they mean the same, and explained where not.
 */

import { type OptionSpec, plainName } from "../config/options.ts";
import { ConfigError, nearest } from "../errors.ts";

/** An option of another pix2pix that does not exist here. */
interface Foreign {
  /** A value follows it. */
  value: boolean;
  /** What it is here: arguments that replace it, and a line to print. */
  meaning(value: string): { args?: string[]; note?: string };
}

const remark = (value: boolean, text: string): Foreign => ({ value, meaning: () => ({ note: text }) });
const page = "every run has an index.html with loss curves and pictures, and a loss_log.jsonl";

/** Options of the PyTorch implementation (all its versions) without a counterpart, by plain name. */
const foreign: Record<string, Foreign> = {
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
        ? { args: ["--device", "cpu"], note: "taken as --device cpu" }
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
  lrdecayiters: remark(true, "only --lr-policy step had it; see --lr-policy"),
  aspectratio: remark(true, "an option of test and translate"),
};

/** Earlier names of options that are still here. */
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

const has = <T>(table: Record<string, T>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/**
 * Arguments with every option in the spelling of its flag, and lines to print about those that work otherwise here.
 * @param elsewhere options of other commands, to tell a misplaced one from a misspelt one: flag to command
 * @throws ConfigError for an unknown option (with the nearest), a missing value, or a value where none belongs
 */
export function normalise(
  args: readonly string[],
  specs: readonly OptionSpec[],
  elsewhere: ReadonlyMap<string, string> = new Map(),
): { args: string[]; notes: string[] } {
  const out: string[] = [];
  const notes: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "-h" || plainName(arg) === "help") {
      out.push("--help");
      continue;
    }
    if (!/^-./.test(arg)) throw new ConfigError(`got "${arg}", expected an option that starts with --`);
    const equals = arg.indexOf("=");
    const written = equals < 0 ? arg : arg.slice(0, equals);
    const given = equals < 0 ? undefined : arg.slice(equals + 1);
    const plain = plainName(written);
    const spec = specs.find(({ flag }) => plainName(flag) === plainName(has(renamed, plain) ?? plain));
    const other = spec ? undefined : has(foreign, plain);
    if (!spec && !other) throw new ConfigError(unknown(written, specs, elsewhere));
    const takesValue = spec ? spec.type !== "boolean" : other?.value === true;
    if (!takesValue && given !== undefined) {
      throw new ConfigError(`${written} takes no value, got "${given}"; leave the option out to switch it off`);
    }
    const value = takesValue ? (given ?? valueAfter(written, rest)) : "";
    if (spec) {
      out.push(spec.flag, ...(takesValue ? [value] : []));
    } else {
      const { args: replacement = [], note } = other?.meaning(value) ?? {};
      if (note) notes.push(`${written}${takesValue ? ` ${value}` : ""}: ${note}`);
      const [flag] = replacement;
      if (specs.some((known) => known.flag === flag)) out.push(...replacement);
    }
  }
  return { args: out, notes };
}

/** Takes the value that follows an option. A word that starts with -- is the next option, -1 is a number. */
function valueAfter(option: string, rest: string[]): string {
  const value = rest[0];
  if (value === undefined || /^--?[a-z]/i.test(value)) {
    throw new ConfigError(`${option} needs a value${value === undefined ? "" : `, got the option ${value}`}`);
  }
  rest.shift();
  return value;
}

function unknown(written: string, specs: readonly OptionSpec[], elsewhere: ReadonlyMap<string, string>): string {
  const other = [...elsewhere].find(([flag]) => plainName(flag) === plainName(written));
  if (other) return `${other[0]} is an option of ${other[1]}, not of this command`;
  const flags = specs.map(({ flag }) => flag);
  const near = written.startsWith("--") ? nearest(written, flags) : undefined;
  return `unknown option ${written}${near ? `; did you mean ${near}?` : ""}`;
}
