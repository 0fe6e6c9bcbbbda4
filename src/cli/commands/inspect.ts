/** pix2pix inspect */

import { extname } from "node:path";
import * as z from "zod";
import { dataOptions } from "../../config/groups/data.ts";
import { option } from "../../config/options.ts";
import { type Config, configSchema, parseCommandLine } from "../../config/schema.ts";
import { derivations } from "../../data/derivations.ts";
import { Loader } from "../../data/loader.ts";
import { derivedSides, findPairs, type Pair } from "../../data/pairs.ts";
import { sampleNotes } from "../../data/sample.ts";
import { inputPicture, outputPicture, sideNames } from "../../data/sides.ts";
import { crops } from "../../data/sizes.ts";
import { ConfigError } from "../../errors.ts";
import { files } from "../../node/files.ts";
import type { DeepPicture, Picture } from "../../platform.ts";
import { contactSheet } from "../../report/compose.ts";
import { type InspectedPair, inspectPage } from "../../report/inspect-page.ts";
import { counted } from "../../text.ts";
import type { Command } from "../command.ts";
import { pngUri } from "../pictures.ts";
import { loadImages } from "../platform.ts";
import { Counter } from "../progress.ts";
import { otherOptions, ownOptions } from "../runs.ts";

const own = {
  out: option(z.string().min(1).default("inspect.html"), {
    group: "page",
    value: "FILE",
    help: "page to write (.html, pictures inside), or a sheet of the pictures alone (.png)",
  }),
  count: option(z.int().min(1).max(1000).default(8), {
    group: "page",
    unit: "pairs",
    help: "number of pairs shown, from the first one",
  }),
  draws: option(z.int().min(1).max(100).default(3), {
    group: "page",
    unit: "draws",
    help: "pictures of each pair, each with another random crop and flip",
  }),
};
const { seed } = configSchema.shape;

const schema = z
  .object({ ...dataOptions, seed, ...own })
  .omit({ batchSize: true, serialBatches: true, replacement: true });

export const inspect: Command = {
  name: "inspect",
  summary: "show the pairs exactly as the network sees them",
  schema,
  ofRun: "the other options of train may be given; they are checked as train checks them",
  examples: ["npx pix2pix inspect --dataroot data/facades --direction BtoA --out sheet.html"],
  async run(given, output) {
    const { out, count, draws } = ownOptions(z.object(own), given);
    const form = formOf(out);
    const config = parseCommandLine(otherOptions(z.object(own), given));
    const images = await loadImages();
    const { layout, pairs, notes } = await findPairs(files, config.dataroot, config);
    notes.push(...(await sampleNotes({ layout, pairs }, config, { files, images })));
    for (const note of notes) output.note(`note: ${note}`);

    const serial = { ...config, serialBatches: true, batchSize: 1, withoutTargets: true };
    const loader = new Loader(pairs, serial, { files, images });
    const counter = new Counter(process.stdout, pairs.length, "pairs checked");
    const leftOut = await loader.check(() => counter.done());
    counter.clear();
    for (const line of leftOut) output.note(`left out: ${line}`);

    const roles = rolesOf(config);
    const shown = await drawPairs(loader, config, roles, { count: Math.min(count, pairs.length), draws });
    const [first] = pairs;
    const { width, height } = await loader.size();
    const size = `${width}x${height}${crops(config) ? "" : " of the first pair"}`;
    const found = {
      layout,
      total: pairs.length,
      leftOut,
      sides: first ? await Promise.all(roles.map((role) => sideOf(first, role, config))) : [],
      network: `${size}: ${treatment(config)}`,
    };
    await files.write(out, form === "png" ? await sheetOf(shown) : await pageOf(config, roles, found, shown));
    for (const line of summary(config, roles, found)) output.print(line);
    output.print(`${counted(shown.length, "pair")}, ${counted(draws, "draw")} each: ${out}`);
    return 0;
  },
};

/** Facts about the data set. */
interface Found {
  layout: string;
  /** Number of pairs. */
  total: number;
  leftOut: readonly string[];
  /** Files of the first pair and how they are used, in the order of the roles. */
  sides: readonly string[];
  /** The size that the network sees, and the steps that lead to it. */
  network: string;
}

/** Lines for the terminal. */
function summary({ dataroot, direction }: Config, roles: Roles, { total, layout, sides, network }: Found): string[] {
  const [input, target] = roles;
  const what = target ? `the target is ${target.side}` : "there are no targets";
  return [
    `${counted(total, "pair")}, layout ${layout}, in ${dataroot}`,
    `direction ${direction}: the input is ${input.side}, ${what}. In the first pair:`,
    ...sides.map((text, i) => `  ${roles[i]!.role.padEnd(6)}  ${text}`),
    `the network sees ${network}`,
  ];
}

async function pageOf(config: Config, roles: Roles, found: Found, shown: readonly DrawnPair[]): Promise<string> {
  const { layout, total, leftOut, sides, network } = found;
  return inspectPage({
    title: `Pairs of ${config.dataroot}`,
    facts: [
      ["pairs", `${total}, layout ${layout}`],
      ["direction", config.direction],
      ...sides.map((text, i): [string, string] => [`${roles[i]!.role} of the first pair`, text]),
      ["the network sees", network],
    ],
    leftOut,
    pairs: await Promise.all(shown.map((pair) => withUris(pair, roles))),
    total,
    updated: new Date(),
  });
}

async function sheetOf(shown: readonly DrawnPair[]): Promise<Uint8Array> {
  const images = await loadImages();
  return images.encodePng(contactSheet(shown.map(({ draws }) => draws.flat())));
}

/** @throws ConfigError for another ending */
function formOf(out: string): "html" | "png" {
  const ending = extname(out).toLowerCase();
  if (ending === ".html" || ending === ".htm") return "html";
  if (ending === ".png") return "png";
  throw new ConfigError(
    `--out: got "${out}", expected a name that ends in .html, for a page, or in .png, for a sheet of the pictures alone`,
  );
}

interface Role {
  role: "input" | "target";
  side: "A" | "B";
}

/** The input, and the target where there is one. */
type Roles = readonly [input: Role, ...target: Role[]];

function rolesOf(config: Config): Roles {
  const [input, target] = sideNames(config);
  const hasTarget = derivedSides(config.datasetMode)[target] !== "absent";
  const first: Role = { role: "input", side: input };
  return hasTarget ? [first, { role: "target", side: target }] : [first];
}

/** Pictures of the first pairs, those of each draw in the order of the roles. */
interface DrawnPair {
  name: string;
  draws: Picture[][];
}

async function drawPairs(
  loader: Loader,
  config: Config,
  roles: Roles,
  { count, draws }: { count: number; draws: number },
): Promise<DrawnPair[]> {
  const drawn: DrawnPair[] = [];
  for (let index = 0; index < count; index++) {
    const pair: DrawnPair = { name: "", draws: [] };
    for (let draw = 0; draw < draws; draw++) {
      // Each epoch has other crops and flips.
      const { A, B, height, width, names } = await loader.batch(draw + 1, index);
      pair.name = names[0] ?? "";
      const input = inputPicture(A, config, height, width);
      pair.draws.push(roles.length > 1 ? [input, outputPicture(B, A, config, height, width)] : [input]);
    }
    drawn.push(pair);
  }
  return drawn;
}

async function withUris({ name, draws }: DrawnPair, roles: Roles): Promise<InspectedPair> {
  const pictureOf = async (picture: Picture, i: number) => {
    const { role, side } = roles[i]!;
    const { width, height } = picture;
    return { source: await pngUri(picture), label: `${role} (${side})`, width, height };
  };
  return { name, draws: await Promise.all(draws.map((pictures) => Promise.all(pictures.map(pictureOf)))) };
}

/** "data/trainB/1.png, 600x400 on disk, 8 bits, 3 channels -> 3 channels" */
async function sideOf(pair: Pair, { role, side }: Role, config: Config): Promise<string> {
  const images = await loadImages();
  const { file, half } = pair[side];
  const picture = await images.decodeDeep(await files.read(file), { alpha: true });
  const channels = plural(role === "input" ? config.inputNc : config.outputNc);
  const made = derivedSides(config.datasetMode)[side];
  const how = made && made !== "absent" ? `: ${derivations[made].help}` : "";
  return `${half ? `${half} half of ${file}` : file}, ${onDisk(picture)} -> ${channels}${how}`;
}

/** "600x400 on disk, 16 bits, 3 channels". */
function onDisk({ width, height, channels, data, bands }: DeepPicture): string {
  const depth = data instanceof Uint8Array ? "8 bits" : data instanceof Uint16Array ? "16 bits" : "floats";
  return `${width}x${height} on disk, ${depth}, ${bands ? `${channels} bands` : plural(channels)}`;
}

function plural(channels: number): string {
  return channels === 1 ? "1 channel" : `${channels} channels`;
}

/** The steps between the disk and the network, in words. */
function treatment(config: Config): string {
  const { preprocess, loadSize, loadHeight, cropSize, cropHeight, colorJitter } = config;
  const crop = `cropped to ${cropSize}x${cropHeight}`;
  const by = config.resizeFilter === "bicubic" ? "" : ` by ${config.resizeFilter}`;
  const scale = `resized to a width of ${loadSize}${by}`;
  const steps = {
    resize_and_crop: [`resized to ${loadSize}x${loadHeight}${by}`, crop],
    crop: [crop],
    scale_width: [scale],
    scale_width_and_crop: [scale, crop],
    none: ["as it is on disk"],
  }[preprocess];
  if (!crops(config)) steps.push("each pair in its own size");
  steps.push(config.noFlip ? "never mirrored" : "mirrored half of the times");
  if (config.flipVertical) steps.push("upside down half of the times");
  if (config.rotate90) steps.push("turned by 0, 90, 180 or 270 degrees");
  if (config.warp > 0) steps.push(`deformed by ${config.warp} px`);
  steps.push("both sides alike");
  if (config.channelOrder === "BGR") steps.push("colours in the order BGR");
  const [low, high] = [1 - colorJitter, 1 + colorJitter].map((factor) => Number(factor.toFixed(3)));
  if (colorJitter > 0) steps.push(`and of the input alone brightness, contrast and saturation times ${low} to ${high}`);
  return steps.join(", ");
}
