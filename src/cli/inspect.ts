/** pix2pix inspect */
import * as z from "zod";
import { type Config, configSchema, parseConfig } from "../config.ts";
import { Loader } from "../data/loader.ts";
import { findPairs, type Pair } from "../data/pairs.ts";
import { fromTensor } from "../data/transforms.ts";
import { files } from "../node/files.ts";
import { option } from "../options.ts";
import type { Picture } from "../platform.ts";
import { contactSheet } from "../report/compose.ts";
import type { Command } from "./command.ts";
import { Counter } from "./progress.ts";
import { otherOptions, ownOptions } from "./runs.ts";

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
const { dataroot, phase, datasetMode, direction, inputNc, outputNc, preprocess, loadSize, cropSize, noFlip } =
  configSchema.shape;
const { maxDatasetSize, skipUnpaired, skipBadImages, seed } = configSchema.shape;

const schema = z.object({
  dataroot,
  phase,
  datasetMode,
  direction,
  inputNc,
  outputNc,
  preprocess,
  loadSize,
  cropSize,
  noFlip,
  maxDatasetSize,
  skipUnpaired,
  skipBadImages,
  seed,
  ...own,
});

export const inspect: Command = {
  name: "inspect",
  summary: "show the pairs exactly as the network will see them",
  schema,
  ofRun: "the other options of train may stay on the command line; they are checked as train would",
  examples: ["npx pix2pix inspect --dataroot data/facades --direction BtoA --out sheet.png"],
  async run(given, output) {
    const { out, count, draws } = ownOptions(z.object(own), given);
    const config = parseConfig(otherOptions(z.object(own), given));
    const { images } = await import("../node/images.ts");
    const { layout, pairs, notes } = await findPairs(files, config.dataroot, config);
    for (const note of notes) output.note(`note: ${note}`);

    const serial = { ...config, serialBatches: true, batchSize: 1 };
    const loader = new Loader(pairs, serial, { files, images });
    const counter = new Counter(process.stdout, pairs.length, "pairs checked");
    const bad = await loader.check(() => counter.done());
    counter.clear();
    for (const line of bad) output.note(`left out: ${line}`);

    const rows = [];
    for (let index = 0; index < Math.min(count, pairs.length); index++) {
      const pictures: Picture[] = [];
      let caption = "";
      for (let draw = 0; draw < draws; draw++) {
        const { A, B, height, width, names } = await loader.batch(draw + 1, index);
        caption = names[0] ?? "";
        pictures.push(fromTensor(A, config.inputNc, height, width), fromTensor(B, config.outputNc, height, width));
      }
      rows.push({ pictures, caption });
    }
    const [input, target] = config.direction === "AtoB" ? (["A", "B"] as const) : (["B", "A"] as const);
    const columns = Array.from({ length: draws }, () => [`input (${input})`, `target (${target})`]).flat();
    await files.write(out, await images.encodePng(contactSheet(rows, { columns })));

    const [first] = pairs;
    const { height, width } = await loader.size();
    output.print(`${pairs.length} pairs, layout ${layout}, in ${config.dataroot}`);
    if (first) {
      output.print(`direction ${config.direction}: the input is ${input}, the target is ${target}. In the first pair:`);
      for (const [role, side] of [["input ", input] as const, ["target", target] as const]) {
        const picture = await images.decode(await files.read(first[side].file));
        output.print(`  ${role}  ${placeOf(first, side)}, ${picture.width}x${picture.height} on disk`);
      }
    }
    output.print(`the network sees ${width}x${height}: ${treatment(config)}`);
    output.print(`${rows.length} pairs, ${draws} draws each: ${out}`);
    return 0;
  },
};

function placeOf(pair: Pair, side: "A" | "B"): string {
  const { file, half } = pair[side];
  return half ? `${half} half of ${file}` : file;
}

function treatment({ preprocess, loadSize, cropSize, noFlip }: Config): string {
  const steps = {
    resize_and_crop: [`resized to ${loadSize}x${loadSize}`, `cropped to ${cropSize}x${cropSize}`],
    crop: [`cropped to ${cropSize}x${cropSize}`],
    scale_width: [`resized to a width of ${loadSize}`],
    scale_width_and_crop: [`resized to a width of ${loadSize}`, `cropped to ${cropSize}x${cropSize}`],
    none: ["as it is on disk"],
  }[preprocess];
  return [...steps, noFlip ? "never mirrored" : "mirrored half of the times", "both sides alike"].join(", ");
}
