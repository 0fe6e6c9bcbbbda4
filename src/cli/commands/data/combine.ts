/** pix2pix data combine */

import * as z from "zod";
import { option } from "../../../config/options.ts";
import { unreadNote } from "../../../data/listing.ts";
import { eightBit, reduceChannels } from "../../../data/transforms.ts";
import { ConfigError, DatasetError, UserError, WriteError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import { counted } from "../../../text.ts";
import { sideBySide } from "../../../tools/frame.ts";
import { matchFolders, unmatched } from "../../../tools/pairing.ts";
import type { Command } from "../../command.ts";
import { inBatch, overwrite, readPicture } from "../../convert.ts";
import { listedPictures, refuseInside, sameFile } from "../../pictures.ts";
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
    help: "combine only the first pairs of each subfolder, such as train/ and val/",
  }),
  skipUnpaired: option(z.boolean().default(false), {
    group: "pairs",
    help: "leave out pictures without a partner, and pairs whose sizes differ, instead of stopping",
  }),
  format: option(z.enum(["png", "jpeg"]).default("png"), {
    group: "pictures",
    help: "png is lossless; jpeg is smaller, but blurs the edges of label maps and has no transparency",
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
    if (!options.useAB && (await sameFile(foldA, foldB))) {
      throw new ConfigError(
        `--fold-B: got the folder of --fold-A, ${foldB}, expected that of the other side; --use-AB pairs name_A and name_B of one folder`,
      );
    }
    for (const source of [foldA, foldB]) await refuseInside("--fold-AB", foldAB, source);
    const note = (text: string) => output.note(`note: ${text}`);
    const sides = [await pictures("--fold-A", foldA, note), await pictures("--fold-B", foldB, note)] as const;
    const matching = matchFolders(...sides, { useAB: options.useAB });
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
    const pieces = firstOfEach(matching.pairs, options.numImgs).map(({ name, A, B }) => {
      return { name, output: `${foldAB}/${name}.${ending}`, A: `${foldA}/${A}`, B: `${foldB}/${B}` };
    });
    const batch = { overwrite: options.overwrite, verb: "combined", place: foldAB, what: "pairs" };
    let transparent = 0;
    const make = async ({ A, B }: (typeof pieces)[number]) => {
      const both = sideBySide(await readPicture(A, { alpha: true }), await readPicture(B, { alpha: true }));
      if (options.format === "png") return images.encodePng(both);
      if (both.channels % 2 === 0) transparent++;
      return encodeJpeg(reduceChannels(eightBit(both), both.channels < 3 ? 1 : 3), options.quality);
    };
    try {
      await inBatch(pieces, batch, output, make);
    } catch (error) {
      if (!options.skipUnpaired || !(error instanceof UserError) || error instanceof WriteError) throw error;
      const written = await Promise.all(pieces.map((piece) => files.exists(piece.output)));
      if (!written.includes(true)) {
        throw new DatasetError(
          `${error.message}, so no pair is left. Bring the two sides of each pair to one size (pix2pix data resize), and ` +
            "replace pictures that cannot be read.",
        );
      }
      output.note(`left out: ${error.message}`);
    } finally {
      if (transparent > 0)
        note(`${counted(transparent, "pair")} had transparency, which JPEG does not keep; --format png does`);
    }
    return 0;
  },
};

/** The first so many pairs of each subfolder, as the PyTorch repository's script takes them. */
function firstOfEach<Pair extends { name: string }>(pairs: readonly Pair[], most = Number.POSITIVE_INFINITY): Pair[] {
  const counts = new Map<string, number>();
  return pairs.filter(({ name }) => {
    const folder = name.slice(0, name.indexOf("/") + 1);
    const count = (counts.get(folder) ?? 0) + 1;
    counts.set(folder, count);
    return count <= most;
  });
}

async function pictures(flag: string, folder: string, note: (text: string) => void): Promise<string[]> {
  const listing = await listedPictures(flag, folder);
  const unread = unreadNote(listing.others);
  if (unread) note(`${flag}: ${unread}`);
  return listing.pictures;
}
