/** pix2pix translate */

import * as z from "zod";
import { option } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { wholePictures } from "../../data/loader.ts";
import { partOf } from "../../data/shard.ts";
import { ConfigError, UserError, WriteError } from "../../errors.ts";
import type { Fit } from "../../inference/fit.ts";
import type { Translator } from "../../inference/translator.ts";
import { files } from "../../node/files.ts";
import { counted, duration, visible } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { instanceMaps } from "../instances.ts";
import { jsonLine, jsonLinesOption, onStandardError } from "../json-lines.ts";
import { namedPalette, paletteChoices } from "../palette.ts";
import { type Job, jobs } from "../pictures.ts";
import { loadImages } from "../platform.ts";
import { Counter } from "../progress.ts";
import { otherOptions, ownOptions, storedOptions } from "../runs.ts";
import { shardOf, shardOption } from "../shard.ts";
import { listenForStop } from "../stop.ts";
import { epochOption, openForTest, refuseTwoSizes, testTimeOptions } from "../test-time.ts";
import { filesOf, translateFiles, type Work } from "../translating.ts";

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
  instances: option(z.string().min(1).optional(), {
    group: "pictures",
    value: "FILE|FOLDER",
    absent: "none",
    help: "for a run with --input-instances: the instance map of the picture, or the folder of the instance maps, named like the pictures",
  }),
  out: option(z.string().min(1), {
    group: "pictures",
    value: "FOLDER",
    help: "folder for the PNGs, with the same relative paths, or for one picture a name that ends in .png; with more than 4 channels also .npy files",
  }),
  skipBadImages,
  skipExisting: option(z.boolean().default(false), {
    group: "parts",
    help: "skip pictures whose outputs exist, whichever settings wrote them: to continue after an interruption",
  }),
  shard: shardOption,
  jsonLines: jsonLinesOption,
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
    "npx pix2pix translate --name facades --input labels --out pictures --shard 2/4 --skip-existing",
  ],
  async run(given, terminal) {
    const options = ownOptions(schema, given);
    const { keepSize, jsonLines } = options;
    refuseTwoSizes(options);
    if (options.bits === "16" && options.palette) {
      throw new ConfigError("--bits 16 and --palette both say what the outputs look like; give one of them");
    }
    const output = jsonLines ? onStandardError(terminal) : terminal;
    const palette = options.palette ? await namedPalette(options.palette) : undefined;
    const found = await jobs(options.input, options.out, (text) => output.note(`note: ${text}`));
    const shard = shardOf(options.shard, output);
    const part = shard ? partOf(found, ({ input }) => input, shard) : found;
    const images = await loadImages();
    const { translator, fit } = await openForTest(options, otherOptions(schema, given), output);
    try {
      const instances = await instanceMaps(translator.config, options, found);
      const work = { ...options, translator, images, fit: { ...fit, keepSize }, palette, instances };
      const todo = options.skipExisting ? await missing(part, work) : part;
      const there = part.length - todo.length;
      if (todo.length === 0) {
        const why = there > 0 ? `${counted(there, "picture")} were there already` : "this part has no pictures";
        output.print(`Nothing to do: ${why}.`);
        return 0;
      }
      const note = await wholePairNote(todo[0]!, translator, fit);
      if (note) output.note(`note: ${note}`);
      const end = await translateShown(work, todo, output, jsonLines);
      const [only] = found;
      const where = found.length === 1 && only!.output === options.out ? filesOf(only!, work).join(", ") : options.out;
      return conclusion({ ...end, all: todo.length, there }, { ...options, out: where }, output);
    } finally {
      await translator.close();
    }
  },
};

type Options = z.output<typeof schema>;

/** A warning where the first picture has the shape of a pair side by side: both sides together would be taken as the input. */
async function wholePairNote({ input }: Job, { config }: Translator, fit: Fit): Promise<string | undefined> {
  const { cropSize, cropHeight = cropSize, datasetMode } = config;
  const preprocess = fit.preprocess ?? config.preprocess;
  const isStretched = wholePictures({ ...config, preprocess }).preprocess === "resize_and_crop";
  if (!isStretched || (datasetMode !== "auto" && datasetMode !== "aligned")) return undefined;
  const { statedSize } = await import("../../node/large.ts");
  const size = await statedSize(input);
  if (!size || size.width * cropHeight !== 2 * size.height * cropSize) return undefined;
  return (
    `${visible(input)} has ${size.width}x${size.height} px, the shape of a pair side by side; translate takes the whole picture ` +
    "as the input. pix2pix test --dataroot FOLDER takes pairs"
  );
}

/** The jobs of which a file is missing. A file that exists is complete: it is written under another name and renamed. */
async function missing(all: readonly Job[], work: Omit<Work, "share" | "signal">): Promise<Job[]> {
  const todo: Job[] = [];
  for (const job of all) {
    const exist = await Promise.all(filesOf(job, work).map((path) => files.exists(path)));
    if (!exist.every(Boolean)) todo.push(job);
  }
  return todo;
}

interface End {
  done: number;
  bad: number;
  seconds: number;
  /** The exit code of a signal, else 0. */
  code: number;
}

/** Translates with progress. A signal ends it after the pictures that have begun. */
async function translateShown(
  work: Omit<Work, "share" | "signal">,
  all: readonly Job[],
  output: Output,
  jsonLines: boolean,
): Promise<End> {
  const counter = new Counter(jsonLines ? process.stderr : process.stdout, all.length, "pictures");
  const stop = listenForStop(() => {
    counter.clear();
    output.note("Stopping: the pictures that have begun are finished first. Press Ctrl-C again to end at once.");
  });
  const { signal } = stop;
  let [done, bad] = [0, 0];
  try {
    await translateFiles(
      { ...work, share: (part) => counter.within(part), signal },
      all,
      ({ input }, result, error) => {
        if (error !== undefined) {
          // A large picture stops between two tiles.
          if (signal.aborted && error === signal.reason) return;
          if (!(error instanceof UserError) || error instanceof WriteError) throw error;
          counter.clear();
          output.note(`${input}: ${error.message}`);
          bad++;
        } else done++;
        const line = error instanceof Error ? { input, error: error.message } : { input, ...result };
        if (jsonLines) jsonLine(line);
        counter.done();
      },
    );
    return { done, bad, seconds: counter.seconds, code: stop.code() };
  } finally {
    stop.release();
    counter.clear();
  }
}

/** @returns the exit code @throws UserError where pictures could not be translated */
function conclusion(
  { done, bad, seconds, code, all, there }: End & { all: number; there: number },
  { out, skipBadImages }: Pick<Options, "out" | "skipBadImages">,
  output: Output,
): number {
  const tried = done + bad;
  if (done > 0) {
    const count = tried < all || bad > 0 ? `${done} of ${counted(all, "picture")}` : counted(done, "picture");
    const kept = there > 0 ? `; ${there} were there already` : "";
    output.print(`${count} translated in ${duration(seconds)} (${(seconds / tried).toPrecision(2)} s each)${kept}`);
    output.print(`In ${out}`);
  }
  if (code !== 0) {
    output.print(`Stopped: ${counted(all - tried, "picture")} left. The same command with --skip-existing does them.`);
    return code;
  }
  if (bad === 0 || (skipBadImages && done > 0)) return 0;
  throw new UserError(
    `${bad} of ${counted(all, "picture")} could not be translated (named above); ` +
      "repair or remove them, or give --skip-bad-images to accept that",
  );
}
