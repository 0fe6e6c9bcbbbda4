/** pix2pix data resize */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { ConfigError } from "../../../errors.ts";
import { mostPixels } from "../../../formats/limits.ts";
import { resized } from "../../../tools/frame.ts";
import type { Command } from "../../command.ts";
import { convert, convertOptions } from "../../convert.ts";
import { ownOptions } from "../../runs.ts";

const schema = z.object({
  ...convertOptions,
  size: option(z.string().default("256"), {
    group: "size",
    value: "N|WxH",
    help: "pixels of the result: one number for a square, or width x height such as 512x256",
  }),
  pad: option(z.boolean().default(false), {
    group: "size",
    help: "add a border to reach that shape, instead of cutting out the middle part",
  }),
  fill: option(z.enum(["black", "white", "edge"]).default("black"), {
    group: "size",
    help: "content of the border; edge repeats the outermost pixels",
  }),
  filter: option(z.enum(["auto", "area", "bicubic", "bilinear", "nearest"]).default("auto"), {
    group: "size",
    help: "auto uses area for shrinking and bicubic for enlarging; label maps need nearest",
  }),
});

export const resize: Command = {
  name: "data resize",
  summary: "bring pictures to one size, cut or padded",
  schema,
  examples: [
    "npx pix2pix data resize --input photos --out photos256 --size 256",
    "npx pix2pix data resize --input labels --out labels512 --size 512x256 --pad --filter nearest",
  ],
  run(given, output) {
    const options = ownOptions(schema, given);
    const { width, height } = sizeOf(options.size);
    const work = { verb: `brought to ${width}x${height}`, alpha: true };
    return convert(options, output, work, (picture) => resized(picture, { ...options, width, height }));
  },
};

/** @throws ConfigError for anything but N or WxH, 1 to 16384, and for more pixels than a picture may have */
function sizeOf(text: string): { width: number; height: number } {
  const [, first, second = first] = /^(\d+)(?:[xX](\d+))?$/.exec(text.trim()) ?? [];
  const [width, height] = [Number(first), Number(second)];
  if (!(width >= 1 && height >= 1 && width <= 16384 && height <= 16384)) {
    throw new ConfigError(
      `--size: got "${text}", expected a number of pixels or WxH, such as 256 or 512x256 (1 to 16384)`,
    );
  }
  if (width * height > mostPixels) {
    throw new ConfigError(`--size: got "${text}", ${width * height} pixels; a picture has at most ${mostPixels}`);
  }
  return { width, height };
}
