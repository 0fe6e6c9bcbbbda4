/** pix2pix inspect */
import * as z from "zod";
import { dataOptions } from "../../config/groups/data.ts";
import { option } from "../../config/options.ts";
import { type Config, configSchema, parseConfig } from "../../config/schema.ts";
import { Loader } from "../../data/loader.ts";
import { derivedSides, findPairs, type Pair } from "../../data/pairs.ts";
import { inputPicture, outputPicture } from "../../data/sides.ts";
import { fixedSize } from "../../data/sizes.ts";
import { files } from "../../node/files.ts";
import type { DeepPicture, Picture } from "../../platform.ts";
import { contactSheet } from "../../report/compose.ts";
import type { Command } from "../command.ts";
import { Counter } from "../progress.ts";
import { otherOptions, ownOptions } from "../runs.ts";

const own = {
  out: option(z.string().min(1).default("inspect.png"), {
    group: "sheet",
    value: "FILE",
    help: "the contact sheet",
  }),
  count: option(z.int().min(1).max(1000).default(8), {
    group: "sheet",
    unit: "pairs",
    help: "how many pairs it shows, the first ones",
  }),
  draws: option(z.int().min(1).max(100).default(3), {
    group: "sheet",
    unit: "draws",
    help: "how many times each, with another crop and flip",
  }),
};
const { seed } = configSchema.shape;

const schema = z
  .object({ ...dataOptions, seed, ...own })
  .omit({ batchSize: true, serialBatches: true, replacement: true });

export const inspect: Command = {
  name: "inspect",
  summary: "show the pairs exactly as the network will see them",
  schema,
  ofRun: "the other options of train may stay on the command line; they are checked as train would",
  examples: ["npx pix2pix inspect --dataroot data/facades --direction BtoA --out sheet.png"],
  async run(given, output) {
    const { out, count, draws } = ownOptions(z.object(own), given);
    const config = parseConfig(otherOptions(z.object(own), given));
    const { images } = await import("../../node/images.ts");
    const { layout, pairs, notes } = await findPairs(files, config.dataroot, config);
    for (const note of notes) output.note(`note: ${note}`);

    const serial = { ...config, serialBatches: true, batchSize: 1, withoutTargets: true };
    const loader = new Loader(pairs, serial, { files, images });
    const counter = new Counter(process.stdout, pairs.length, "pairs checked");
    const bad = await loader.check(() => counter.done());
    counter.clear();
    for (const line of bad) output.note(`left out: ${line}`);

    const [input, target] = config.direction === "AtoB" ? (["A", "B"] as const) : (["B", "A"] as const);
    const derived = derivedSides(config.datasetMode);
    const hasTarget = derived[target] !== "absent";
    const rows = [];
    for (let index = 0; index < Math.min(count, pairs.length); index++) {
      const pictures: Picture[] = [];
      let caption = "";
      for (let draw = 0; draw < draws; draw++) {
        const { A, B, height, width, names } = await loader.batch(draw + 1, index);
        caption = names[0] ?? "";
        pictures.push(inputPicture(A, config, height, width));
        if (hasTarget) pictures.push(outputPicture(B, A, config, height, width));
      }
      rows.push({ pictures, caption });
    }
    const headings = [`input (${input})`, ...(hasTarget ? [`target (${target})`] : [])];
    const columns = Array.from({ length: draws }, () => headings).flat();
    await files.write(out, await images.encodePng(contactSheet(rows, { columns })));

    const [first] = pairs;
    const { height, width } = await loader.size();
    output.print(`${pairs.length} pairs, layout ${layout}, in ${config.dataroot}`);
    if (first) {
      const what = hasTarget ? `the target is ${target}` : "there are no targets";
      output.print(`direction ${config.direction}: the input is ${input}, ${what}. In the first pair:`);
      for (const [role, side] of [["input ", input] as const, ["target", target] as const]) {
        const made = derived[side];
        if (made === "absent") continue;
        const picture = await images.decodeDeep(await files.read(first[side].file), { alpha: true });
        const channels = plural(side === input ? config.inputNc : config.outputNc);
        const how = made ? `: ${derivations[made]}` : "";
        output.print(`  ${role}  ${placeOf(first, side)}, ${onDisk(picture)} -> ${channels}${how}`);
      }
    }
    const which = fixedSize(config.preprocess) ? "" : " of the first pair";
    output.print(`the network sees ${width}x${height}${which}: ${treatment(config)}`);
    output.print(`${rows.length} pairs, ${draws} draws each: ${out}`);
    return 0;
  },
};

function placeOf(pair: Pair, side: "A" | "B"): string {
  const { file, half } = pair[side];
  return half ? `${half} half of ${file}` : file;
}

const derivations = {
  L: "its lightness, L / 50 - 1 of CIELAB",
  ab: "its colours, a / 110 and b / 110 of CIELAB (shown together with the lightness)",
  masked: "with a white rectangle of half its size in the centre",
};

/** "600x400 on disk, 16 bits, 3 channels". */
function onDisk({ width, height, channels, data, bands }: DeepPicture): string {
  const depth = data instanceof Uint8Array ? "8 bits" : data instanceof Uint16Array ? "16 bits" : "floats";
  return `${width}x${height} on disk, ${depth}, ${bands ? `${channels} bands` : plural(channels)}`;
}

function plural(channels: number): string {
  return channels === 1 ? "1 channel" : `${channels} channels`;
}

/** What happens to a pair between the disk and the network, in words. */
function treatment(config: Config): string {
  const { preprocess, loadSize, loadHeight = loadSize, cropSize, cropHeight = cropSize, colorJitter } = config;
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
  if (!fixedSize(preprocess)) steps.push("each pair in its own size");
  steps.push(config.noFlip ? "never mirrored" : "mirrored half of the times");
  if (config.flipVertical) steps.push("upside down half of the times");
  if (config.rotate90) steps.push("turned by 0, 90, 180 or 270 degrees");
  steps.push("both sides alike");
  if (config.channelOrder === "BGR") steps.push("colours in the order BGR");
  const [low, high] = [1 - colorJitter, 1 + colorJitter].map((factor) => Number(factor.toFixed(3)));
  if (colorJitter > 0) steps.push(`and of the input alone brightness, contrast and saturation times ${low} to ${high}`);
  return steps.join(", ");
}
