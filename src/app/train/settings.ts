/** The configuration of a run from the settings of the page. */
import { type CheckedForm, checkForm, fieldsOf, type Given, initialValues } from "../../config/form.ts";
import type { Profile } from "../../config/profiles.ts";
import { type Config, type ConfigInput, parseCommandLine, profiles, resumeCommandLine } from "../../config/schema.ts";
import { type Schedule, schedules } from "../../nn/schedules.ts";
import { stepsPerEpoch } from "../../run/steps.ts";
import { heldOutOf } from "../../web/hold-out.ts";
import { folderName } from "../parts/run-names.ts";
import { checkpointsDir, type DataSet, dataDir } from "./storage.ts";

/** Sizes of pictures that the page offers, each with the time that a training takes, or what it needs. */
export const sizes = { 64: "minutes", 128: "about an hour", 256: "with a GPU" } as const;
export type Size = keyof typeof sizes;

export interface Settings {
  name: string;
  size: Size;
  /** As typed. */
  steps: string;
  /** Mirror pairs at random. */
  mirror: boolean;
  /** All other options that the user has set. */
  given: Given;
}

/** Filters of the first layers (ngf, ndf) by size: a compromise between quality and time. */
const filters: Readonly<Record<Size, number>> = { 64: 24, 128: 32, 256: 64 };
/** For a short training, which profits more from a higher learning rate than from dropout. */
const quick = { noDropout: true, lr: 6e-4 };

/** Options for which the page has controls of its own. */
const ownControls = ["maxSteps", "noFlip", "direction"];
/** The options behind "More options", and those of a run that is continued. */
export const moreFields = fieldsOf("browser").filter(({ key }) => !ownControls.includes(key));

/** Where the built-in set is drawn at the size of a run. */
export const drawnAt = (size: number): string => `${dataDir}/facades-${size}`;

/** The seed by which pairs are kept from training. */
export const holdOutSeed = 0;

/** The data set as it will be after the pairs of its `share` have been set aside: `pairs` counts those that remain for training. */
function divided(data: DataSet): DataSet {
  const { share, ...rest } = data;
  return share ? { ...rest, ...heldOutOf(data.pairs, { share, seed: holdOutSeed }) } : data;
}

const noData: DataSet = { title: "pictures", root: undefined, pairs: 1, direction: "AtoB" };

/** The options of a run without those that the user sets behind "More options". */
function baseOf({ name, size, steps, mirror, given }: Settings, data: DataSet = noData): ConfigInput {
  const { root, direction, halves, pairs, held } = divided(data);
  const known = Object.hasOwn(profiles, given.profile ?? "");
  const { sets }: Pick<Profile, "sets"> = known ? profiles[given.profile as keyof typeof profiles] : { sets: {} };
  // With a profile the page adds only the sizes: learning rate, dropout and filters are the profile's.
  const own = known ? {} : { ...(size === 64 ? quick : {}), ngf: filters[size], ndf: filters[size] };
  return {
    ...own,
    netG: `unet_${size}`,
    cropSize: size,
    loadSize: root ? Math.round((size * 286) / 256) : size,
    ...sets,
    ...(folderName(name) && { name: folderName(name) }),
    checkpointsDir,
    dataroot: root ?? drawnAt(size),
    direction,
    ...(halves && { datasetMode: "aligned" }),
    noFlip: !mirror,
    skipUnpaired: true,
    skipBadImages: true,
    ...lengthOf(Number(steps), pairs, { ...sets, ...given }),
    ...(held && { valFreq: 1, valPhase: "val" }),
    saveLatestFreq: 100,
    // A closed tab loses a minute at most, and a picture comes every 20 seconds.
    saveLatestSeconds: 60,
    displayFreq: "20s",
    // Epochs are short: the weights of each would fill the browser's storage.
    saveEpochFreq: 1_000_000,
  };
}

/** The epochs that contain `steps` steps. Where the schedule of the learning rate has a second part, it gets 3/8 of them. */
function lengthOf(
  steps: number,
  pairs: number,
  { lrPolicy = "linear", batchSize, accumulate, dropLast }: { [key in string]?: unknown },
): Pick<ConfigInput, "maxSteps" | "nEpochs" | "nEpochsDecay"> {
  const batching = { batchSize: Number(batchSize) || 1, accumulate: Number(accumulate) || 1 };
  const epochs = Math.ceil(steps / stepsPerEpoch(pairs, { ...batching, dropLast: String(dropLast) === "true" }));
  const schedule: Schedule | undefined = schedules[lrPolicy as keyof typeof schedules];
  const decay = schedule?.secondPart === false ? 0 : Math.floor((3 * epochs) / 8);
  return { maxSteps: steps, nEpochs: epochs - decay, nEpochsDecay: decay };
}

/** The options of a new run, or the problems of its settings. */
export function checkSettings(settings: Settings, data: DataSet | undefined): CheckedForm {
  const { given } = settings;
  return checkForm(() => parseCommandLine({ ...baseOf(settings, data), ...given }), given, moreFields);
}

/** The values of the options of a new run where the user sets none. */
export const initialOf = (settings: Settings, data: DataSet | undefined): Readonly<Record<string, unknown>> =>
  initialValues(moreFields, { ...baseOf(settings, data) }, settings.given);

/** The options of a stored run with the changes of the user, or the problems of the changes. */
export function checkChanges(stored: Config, given: Given): CheckedForm {
  return checkForm(() => resumeCommandLine(stored, given), given, moreFields);
}

/** Options with which a finished run trains `more` steps. The learning rate begins at `lr` again and decays to the end. */
export function prolonged(config: Config, step: number, more: number, perEpoch: number): Partial<Config> {
  const { secondPart }: Schedule = schedules[config.lrPolicy];
  const epochs = Math.ceil((step + more) / perEpoch);
  const decay = secondPart ? Math.min(epochs, Math.ceil((3 * more) / 8 / perEpoch)) : 0;
  return { maxSteps: step + more, nEpochs: epochs - decay, nEpochsDecay: decay, continueTrain: true, lr: config.lr };
}
