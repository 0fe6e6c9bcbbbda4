/** pix2pix translate */

import { basename } from "node:path";
import * as z from "zod";
import { option } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { stemOf } from "../../data/listing.ts";
import { nearestColours, paint } from "../../data/palette.ts";
import { ConfigError, UserError, WriteError } from "../../errors.ts";
import { encodeNpy } from "../../formats/npy.ts";
import type { Draw } from "../../inference/translator.ts";
import { spread } from "../../metrics/pictures.ts";
import { files } from "../../node/files.ts";
import type { DeepPicture, Images, Picture } from "../../platform.ts";
import type { Command } from "../command.ts";
import { translatedInStrips, type Work } from "../large.ts";
import { namedPalette, paletteChoices } from "../palette.ts";
import { jobs, withSuffix } from "../pictures.ts";
import { loadImages } from "../platform.ts";
import { Counter, duration } from "../progress.ts";
import { otherOptions, ownOptions, storedOptions } from "../runs.ts";
import { epochOption, openForTest, testTimeOptions } from "../test-time.ts";

const { name, checkpointsDir, skipBadImages } = configSchema.shape;

const schema = z.object({
  name,
  checkpointsDir,
  epoch: epochOption,
  input: option(z.string().min(1), {
    group: "pictures",
    value: "FILE|FOLDER",
    help: "a picture, or a folder of pictures at any depth; no targets needed",
  }),
  out: option(z.string().min(1), {
    group: "pictures",
    value: "FOLDER",
    help: "folder for the PNGs, with the same relative paths; with more than 4 channels also .npy files",
  }),
  skipBadImages,
  keepSize: option(z.boolean().default(false), {
    group: "pictures",
    help: "resize each output to the size of its input",
  }),
  bits: option(z.enum(["8", "16"]).default("8"), { group: "pictures", help: "bits per channel in the PNGs" }),
  palette: option(z.string().min(1).optional(), {
    group: "pictures",
    value: paletteChoices,
    help: "for label maps: replace the colour of each output pixel by the nearest of these colours",
  }),
  ...testTimeOptions,
});

export const translate: Command = {
  name: "translate",
  summary: "turn pictures into the run's kind of output",
  schema,
  ofRun: storedOptions,
  examples: [
    "npx pix2pix translate --name facades --input label.png --out pictures",
    "npx pix2pix translate --name facades --input labels --out pictures --epoch 100",
    "npx pix2pix translate --name maps --input large.tif --out pictures --preprocess none --tile 512",
    "npx pix2pix translate --name facades --input labels --out pictures --samples 5 --seed 7",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const { keepSize, skipBadImages } = options;
    if (keepSize && options.aspectRatio !== undefined) throw conflict("--keep-size and --aspect-ratio both say");
    if (options.bits === "16" && options.palette) throw conflict("--bits 16 and --palette both say");
    const palette = options.palette ? await namedPalette(options.palette) : undefined;
    const all = await jobs(options.input, options.out, (text) => output.note(`note: ${text}`));
    const images = await loadImages();
    const { translator, fit } = await openForTest(options, otherOptions(schema, given), output);
    const counter = new Counter(process.stdout, all.length, "pictures");
    const share = (done: number) => counter.within(done);
    const { signal } = new AbortController();
    const work: PictureWork = { ...options, translator, images, fit: { ...fit, keepSize }, palette, share, signal };
    const bad: string[] = [];
    try {
      for (const { input, output: target } of all) {
        try {
          await translateFile(work, input, target);
        } catch (error) {
          if (!(error instanceof UserError) || error instanceof WriteError) throw error;
          counter.clear();
          output.note(`${input}: ${error.message}`);
          bad.push(input);
        }
        counter.done();
      }
    } finally {
      await translator.close();
      counter.clear();
    }
    const done = all.length - bad.length;
    if (done > 0) {
      const count = bad.length > 0 ? `${done} of ${plural(all.length)}` : plural(done);
      const each = (counter.seconds / all.length).toPrecision(2);
      output.print(`${count} translated in ${duration(counter.seconds)} (${each} s each)`);
      output.print(`In ${options.out}`);
    }
    if (bad.length === 0 || (skipBadImages && done > 0)) return 0;
    throw new UserError(
      `${bad.length} of ${plural(all.length)} could not be translated (named above); ` +
        "mend or remove them, or give --skip-bad-images to accept that",
    );
  },
};

interface PictureWork extends Work {
  images: Images;
}

/** Translates one file. With several samples there is an output for each, and a picture of where they differ. */
async function translateFile(work: PictureWork, input: string, target: string): Promise<void> {
  const { translator, images, samples } = work;
  const name = stemOf(basename(input));
  if (await translatedInStrips(work, input, target, name)) return;
  const alpha = translator.config.inputNc % 2 === 0;
  const bytes = await files.read(input);
  const picture = images.decodeDeep ? await images.decodeDeep(bytes, { alpha }) : await images.decode(bytes, { alpha });
  const outputs: Picture[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const path = samples === 1 ? target : withSuffix(target, String(sample + 1));
    const output = await writeOutput(work, picture, { name, sample }, path);
    if (output) outputs.push(output);
  }
  if (outputs.length < 2) return;
  await files.write(withSuffix(target, "spread"), await images.encodePng(spread(outputs).picture));
}

/** @returns the output, unless it has 16 bits */
async function writeOutput(
  { translator, images, fit, palette, bits }: PictureWork,
  picture: DeepPicture,
  draw: Draw,
  path: string,
): Promise<Picture | undefined> {
  // A PNG has at most four channels; the others would be lost.
  if (translator.config.outputNc > 4) {
    const values = await translator.translateValues(picture, draw, fit);
    await files.write(path.replace(/\.png$/, ".npy"), encodeNpy(values));
  }
  if (bits === "16") {
    const deep = await translator.translate16(picture, draw, fit);
    await files.write(path, await images.encodePng(deep));
    return undefined;
  }
  const plain = await translator.translate(picture, draw, fit);
  const output = palette ? paint(nearestColours(plain, palette), palette, plain) : plain;
  await files.write(path, await images.encodePng(output));
  return output;
}

const conflict = (what: string) => new ConfigError(`${what} what the outputs look like; give one of them`);

function plural(count: number): string {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
