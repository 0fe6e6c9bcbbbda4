/** pix2pix translate */
import * as z from "zod";
import { configSchema } from "../config.ts";
import { UserError } from "../errors.ts";
import { files } from "../node/files.ts";
import { option } from "../options.ts";
import type { Picture } from "../platform.ts";
import type { Command } from "./command.ts";
import { jobs } from "./pictures.ts";
import { Counter, duration } from "./progress.ts";
import { openStoredRun, otherOptions, ownOptions, storedOptions } from "./runs.ts";

const { name, checkpointsDir, skipBadImages, noDropout, device, threads } = configSchema.shape;

/** The checkpoint that a command takes from a run. */
export const epochOption = option(z.string().min(1).default("latest"), {
  group: "run",
  value: "EPOCH",
  help: "which weights of the run: latest, or a kept epoch's number",
});

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
    help: "where the PNGs go, under the same relative paths",
  }),
  skipBadImages,
  noDropout,
  device,
  threads,
});

export const translate: Command = {
  name: "translate",
  summary: "turn pictures into the run's kind of output",
  schema,
  ofRun: storedOptions,
  examples: [
    "npx pix2pix translate --name facades --input label.png --out pictures",
    "npx pix2pix translate --name facades --input labels --out pictures --epoch 100",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const all = await jobs(options.input, options.out);
    const { images } = await import("../node/images.ts");
    const { translator } = await openStoredRun(options, otherOptions(schema, given), output);
    const counter = new Counter(process.stdout, all.length, "pictures");
    const bad: string[] = [];
    try {
      for (const [index, { input, output: target }] of all.entries()) {
        const result = await translated(input, index);
        if (result instanceof UserError) {
          counter.clear();
          output.note(`${input}: ${result.message}`);
          bad.push(input);
        } else await files.write(target, await images.encodePng(result));
        counter.done();
      }
    } finally {
      await translator.close();
      counter.clear();
    }
    const { seconds } = counter;
    const done = all.length - bad.length;
    if (done > 0) {
      const count = bad.length > 0 ? `${done} of ${plural(all.length)}` : plural(done);
      output.print(`${count} translated in ${duration(seconds)} (${(seconds / all.length).toPrecision(2)} s each)`);
      output.print(`In ${options.out}`);
    }
    if (bad.length === 0 || (options.skipBadImages && done > 0)) return 0;
    throw new UserError(
      `${bad.length} of ${plural(all.length)} could not be translated (named above); ` +
        "mend or remove them, or give --skip-bad-images to accept that",
    );

    /** The output, or what is wrong with this picture. */
    async function translated(input: string, index: number): Promise<Picture | UserError> {
      try {
        const picture = await images.decode(await files.read(input), { alpha: translator.config.inputNc % 2 === 0 });
        return await translator.translate(picture, { index });
      } catch (error) {
        if (error instanceof UserError) return error;
        throw error;
      }
    }
  },
};

function plural(count: number): string {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
