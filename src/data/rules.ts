/** Rules for the options of data: a line for each combination that cannot work. `parseConfig` and the loader apply them. */
import type { AugmentOptions } from "./augment.ts";
import { type Derive, derivations } from "./derivations.ts";
import { type SideOptions, sideForms } from "./sides.ts";
import { crops, type Preprocessing, preprocessings, type SizeOptions } from "./sizes.ts";

/** The options that the rules are about. */
export interface DataRuleOptions extends SizeOptions, SideOptions, AugmentOptions {
  batchSize: number;
}

/** A line for each combination of these options that cannot work, with a remedy. */
export function dataProblems(options: DataRuleOptions): string[] {
  return [...sizeProblems(options), ...augmentProblems(options), ...sideProblems(options), ...batchProblems(options)];
}

/** The crop has to fit into the load size. */
export function sizeProblems({ preprocess, loadSize, loadHeight, cropSize, cropHeight }: SizeOptions): string[] {
  const { loads }: Preprocessing = preprocessings[preprocess];
  // For squares one line is enough: both dimensions have the same problem.
  const square = loadHeight === loadSize && cropHeight === cropSize;
  const dimensions = [
    { dimension: "width", flag: "--load-size", load: loadSize, crop: cropSize },
    { dimension: "height", flag: "--load-height", load: loadHeight, crop: cropHeight },
  ] as const;
  return dimensions
    .filter(({ dimension }) => loads.includes(dimension) && !(square && dimension === "height"))
    .filter(({ load, crop }) => load < crop)
    .map(
      ({ flag, load, crop }) =>
        `${flag}: got ${load}, expected at least ${flag.replace("load", "crop")} ${crop}; ` +
        `${Math.round((crop * 286) / 256)} keeps the usual jitter, ${crop} means none`,
    );
}

/** The ranges of --color-jitter and --warp; class numbers have no colours to change; quarter turns need square crops. */
export function augmentProblems(options: AugmentOptions & SizeOptions & Pick<SideOptions, "inputLabels">): string[] {
  const { rotate90, colorJitter, warp, cropSize, cropHeight, preprocess, inputLabels } = options;
  const problems: string[] = [];
  if (!(colorJitter >= 0 && colorJitter <= 1)) {
    problems.push(`--color-jitter: got ${colorJitter}, expected a number from 0 to 1`);
  }
  if (!(warp >= 0)) problems.push(`--warp: got ${warp}, expected a number of pixels of at least 0`);
  if (colorJitter > 0 && inputLabels !== undefined) {
    problems.push("--color-jitter: class numbers (--input-labels) have no colours; leave it out");
  }
  if (rotate90 && !crops(options)) {
    problems.push(
      `--rotate90: a quarter turn needs square crops, and --preprocess ${preprocess} does not crop; ` +
        "leave it out, or use --preprocess resize_and_crop",
    );
  } else if (rotate90 && cropHeight !== cropSize) {
    problems.push(
      `--rotate90: a quarter turn needs square crops, got ${cropSize}x${cropHeight}; ` +
        "leave it out, or make --crop-size and --crop-height equal",
    );
  }
  return problems;
}

/** The channels and the direction that a layout with derived sides fixes, and those that label and instance maps fix. */
export function sideProblems(options: SideOptions): string[] {
  const { datasetMode, direction, inputNc, outputNc } = options;
  const { input, target } = sideForms(options);
  if (input.derive === "absent") {
    return [`--dataset-mode ${datasetMode} has only A, so the input must be A: use --direction AtoB, got ${direction}`];
  }
  if (options.inputLabels !== undefined && input.derive !== undefined) {
    return [
      `--input-labels: --dataset-mode ${datasetMode} computes its input from a picture, which has no class numbers`,
    ];
  }
  if (options.inputInstances && options.inputLabels === undefined) {
    return [
      "--input-instances: a channel of the edges of objects belongs to label maps of class numbers; give --input-labels N, too",
    ];
  }
  const implied = channelsOf(options);
  if (options.inputLabels !== undefined && inputNc !== implied.inputNc) {
    return [
      `--input-labels ${options.inputLabels}: the input has a channel for each class${options.inputInstances ? " and one of edges" : ""}, ` +
        `got --input-nc ${inputNc}; ${inputNc === options.inputLabels + 1 ? "give --input-instances, too, if the last one is of edges" : "leave it out"}`,
    ];
  }
  const wanted = { inputNc, outputNc, ...implied };
  if (wanted.inputNc === inputNc && wanted.outputNc === outputNc) return [];
  const sides = { L: "lightness", ab: "the colours a and b", masked: "a picture", absent: "nothing" };
  const side = (name: string, count: number, derive: Derive = "masked") =>
    `${count} ${name} channel${count > 1 ? "s" : ""} (${sides[derive]})`;
  return [
    `--dataset-mode ${datasetMode} --direction ${direction} has ${side("input", wanted.inputNc, input.derive)} and ` +
      `${side("output", wanted.outputNc, target.derive)}, got --input-nc ${inputNc} and --output-nc ${outputNc}; ` +
      "leave them out",
  ];
}

/** The numbers of channels that a layout fixes; empty where it leaves both open. */
export function channelsOf(
  options: Pick<SideOptions, "datasetMode" | "direction" | "inputLabels" | "inputInstances">,
): Partial<Pick<SideOptions, "inputNc" | "outputNc">> {
  const { input, target } = sideForms({ ...options, inputNc: 0, outputNc: 0, channelOrder: "RGB" });
  const count = (derive: Derive | undefined) => derive && derivations[derive].channels;
  const labels = options.inputLabels === undefined ? undefined : input.channels;
  const [inputNc, outputNc] = [labels ?? count(input.derive), count(target.derive)];
  return { ...(inputNc !== undefined && { inputNc }), ...(outputNc !== undefined && { outputNc }) };
}

function batchProblems({ batchSize }: Pick<DataRuleOptions, "batchSize">): string[] {
  if (Number.isInteger(batchSize) && batchSize >= 1) return [];
  return [`--batch-size: got ${batchSize}, expected a whole number of at least 1`];
}
