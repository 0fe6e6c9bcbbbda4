/** pix2pix data combine */

import { resolve, sep } from "node:path";
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { listAll } from "../../../data/listing.ts";
import { eightBit } from "../../../data/transforms.ts";
import { ConfigError, DatasetError, UserError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import { sideBySide } from "../../../tools/frame.ts";
import { matchFolders, unmatched } from "../../../tools/pairing.ts";
import type { Command } from "../../command.ts";
import { inBatch, overwrite, readPicture } from "../../convert.ts";
import { loadImages } from "../../platform.ts";
import { ownOptions } from "../../runs.ts";

const folder = (flag: string, help: string) =>
  option(z.string().min(1), { group: "folders", value: "FOLDER", flag, help });

const schema = z.object({
  foldA: folder("--fold-A", "pictures of side A, at any depth: train/, val/ and the like are kept"),
  foldB: folder("--fold-B", "pictures of side B, with the same names below it; endings may differ"),
  foldAB: folder("--fold-AB", "folder for the pictures with A left and B right"),
  useAB: option(z.boolean().default(false), {
    group: "pairs",
    flag: "--use-AB",
    help: "the pictures are named name_A and name_B",
  }),
  numImgs: option(z.int().min(1).optional(), {
    group: "pairs",
    unit: "pairs",
    absent: "all",
    help: "combine only the first pairs",
  }),
  skipUnpaired: option(z.boolean().default(false), {
    group: "pairs",
    help: "leave out pictures without a partner, and pairs whose sizes differ, instead of stopping",
  }),
  format: option(z.enum(["png", "jpeg"]).default("png"), {
    group: "pictures",
    help: "png is lossless; jpeg is smaller, but blurs the edges of label maps",
  }),
  quality: option(z.int().min(1).max(100).default(95), { group: "pictures", help: "JPEG quality" }),
  overwrite,
});

export const combine: Command = {
  name: "data combine",
  summary: "join two folders of pictures into aligned ones, A left and B right",
  schema,
  examples: [
    "npx pix2pix data combine --fold-A labels --fold-B photos --fold-AB pairs",
    "npx pix2pix data combine --fold-A mixed --fold-B mixed --fold-AB pairs --use-AB",
  ],
  async run(given, output) {
    const { foldA, foldB, foldAB, ...options } = ownOptions(schema, given);
    const target = resolve(foldAB) + sep;
    for (const source of [foldA, foldB]) {
      if (target.startsWith(resolve(source) + sep)) {
        throw new ConfigError(`--fold-AB: ${foldAB} lies in ${source}, which is read; choose another folder`);
      }
    }
    const matching = matchFolders(await pictures("--fold-A", foldA), await pictures("--fold-B", foldB), options.useAB);
    const problem = unmatched(matching);
    if (problem && !options.skipUnpaired) {
      throw new DatasetError(
        `pictures without a partner. ${problem}. Add what is missing, or leave them out with --skip-unpaired ` +
          `(complete pairs: ${matching.pairs.length}).`,
      );
    }
    if (problem) output.note(`left out: ${problem}`);

    const images = await loadImages();
    const { encodeJpeg } = await import("../../../node/jpeg.ts");
    const ending = options.format === "png" ? "png" : "jpg";
    const pieces = matching.pairs.slice(0, options.numImgs).map(({ name, A, B }) => {
      return { name, output: `${foldAB}/${name}.${ending}`, A: `${foldA}/${A}`, B: `${foldB}/${B}` };
    });
    const batch = { overwrite: options.overwrite, verb: "combined", place: foldAB, what: "pairs" };
    try {
      await inBatch(pieces, batch, output, async ({ A, B }) => {
        const both = sideBySide(await readPicture(A), await readPicture(B));
        return options.format === "png" ? images.encodePng(both) : encodeJpeg(eightBit(both), options.quality);
      });
    } catch (error) {
      if (options.skipUnpaired && error instanceof UserError) output.note(`left out: ${error.message}`);
      else throw error;
    }
    return 0;
  },
};

async function pictures(flag: string, folder: string): Promise<string[]> {
  const listing = await listAll(files, folder);
  if (!listing) throw new DatasetError(`${flag}: there is no folder ${folder}`);
  if (listing.pictures.length === 0) throw new DatasetError(`${flag}: no picture in ${folder} or a folder below it`);
  return listing.pictures;
}
