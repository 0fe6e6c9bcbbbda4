/** pix2pix data exchange */
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { configSchema } from "../../../config/schema.ts";
import type { Pair } from "../../../data/layouts.ts";
import { joinPath, type Listing, listAll } from "../../../data/listing.ts";
import { type DatasetMode, findPairs, layoutTable } from "../../../data/pairs.ts";
import { halves, oddWidth } from "../../../data/transforms.ts";
import { ConfigError, DatasetError, UserError } from "../../../errors.ts";
import { files } from "../../../node/files.ts";
import { counted } from "../../../text.ts";
import { audit } from "../../../tools/audit/audit.ts";
import { type ExchangedFile, exchangedFiles, pairsNamed } from "../../../tools/exchange-sides.ts";
import { sideBySide } from "../../../tools/frame.ts";
import { completeSet, type WholeSet } from "../../../tools/layout.ts";
import { listedWords } from "../../arguments.ts";
import type { Command } from "../../command.ts";
import { inBatch, readPicture } from "../../convert.ts";
import { refuseInside } from "../../pictures.ts";
import { loadImages } from "../../platform.ts";
import { Counter } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";

const { dataroot, datasetMode } = configSchema.shape;

const schema = z.object({
  dataroot,
  datasetMode,
  out: option(z.string().min(1), {
    group: "data",
    value: "FOLDER",
    help: "folder for the whole set, in the same layout; pictures that are not exchanged are copied",
  }),
  pairs: option(z.string().min(1).default("audit"), {
    group: "data",
    value: "audit|others|all|FILE ...",
    list: true,
    help: "audit: those that data audit reports as exchanged; others: all but those; all; or pairs by one of their files, as audit prints it",
  }),
});

type Options = z.output<typeof schema>;

export const exchange: Command = {
  name: "data exchange",
  summary: "write a data set with A and B exchanged in some pairs, such as those that audit reports",
  schema,
  argument: "dataroot",
  examples: [
    "npx pix2pix data exchange --dataroot data/mine --out data/right",
    "npx pix2pix data exchange --dataroot data/mine --out data/right --pairs train/03.png train/17.png",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const { dataroot: root, out } = options;
    await refuseInside("--out", out, root);
    const { whole, listing } = await setIn(root, options.datasetMode);
    const all = whole.phases.flatMap(({ found }) => found.pairs);
    const chosen = await pairsOf(options, all);
    const plan = exchangedFiles(listing.pictures, chosen);
    await refuseOther(out, plan);
    const images = await loadImages();
    const pieces = plan.map((file) => ({ ...file, name: file.from, output: joinPath(out, file.to) }));
    // A file of an earlier exchange of other pairs must not stay.
    const batch = { overwrite: true, verb: "written", place: out, what: "pictures" };
    output.print(`A and B of ${chosen.length} of ${counted(all.length, "pair")} (${whole.layout}) are exchanged`);
    await inBatch(pieces, batch, output, async ({ from, halves: cut }) => {
      const path = joinPath(root, from);
      if (!cut) return files.read(path);
      const picture = await readPicture(path, { alpha: true });
      if (picture.width % 2 !== 0) throw new UserError(oddWidth(picture));
      const { left, right } = halves(picture, from);
      return images.encodePng(sideBySide(right, left));
    });
    return 0;
  },
};

/** @throws DatasetError where there are no pairs, or in a layout whose sides cannot be exchanged */
async function setIn(root: string, mode: DatasetMode): Promise<{ whole: WholeSet; listing: Listing }> {
  const listing = await listAll(files, root);
  const whole = listing && completeSet(root, listing.pictures, mode);
  // Throws an error that explains why there are no pairs.
  if (!whole) await findPairs(files, root, { datasetMode: mode });
  if (!listing || !whole) throw new DatasetError(`there are no pairs in ${root}.`);
  if (whole.layout === "cmp") {
    throw new DatasetError(
      `the layout of ${root} is cmp, where the ending says which side a picture is: x.jpg is A, x.png is B. Put the two sides ` +
        "into folders A and B.",
    );
  }
  if (layoutTable[whole.layout]!.derive) {
    throw new DatasetError(
      `--dataset-mode ${mode}: its pictures have no two sides that could be exchanged; expected aligned or folders`,
    );
  }
  return { whole, listing };
}

/** @throws UserError where there is none to exchange */
async function pairsOf({ dataroot: root, datasetMode, pairs: choice }: Options, all: readonly Pair[]): Promise<Pair[]> {
  if (choice === "all") return [...all];
  if (choice !== "audit" && choice !== "others") {
    const paths = new Set(all.flatMap(({ A, B }) => [A.file, B.file]));
    const named = pairsNamed(all, await listedWords(choice, (word) => paths.has(word)));
    if (named.length > 0) return named;
    throw new ConfigError(`--pairs: got "${choice}", expected audit, others, all or files of pairs`);
  }
  const counter = new Counter(process.stdout, all.length, "pairs compared");
  const progress = (done: number) => (done === 0 ? counter.start() : counter.done());
  const { findings } = await audit({ files, images: await loadImages() }, root, { datasetMode, progress });
  counter.clear();
  const found = new Set(findings.filter(({ kind }) => kind === "sides").map(({ pairs }) => pairs[0]!.A.file));
  if (found.size === 0) {
    throw new UserError(
      `--pairs ${choice}: data audit reports no pairs of ${root} as exchanged; name pairs by their files, or exchange all`,
    );
  }
  return all.filter(({ A }) => found.has(A.file) === (choice === "audit"));
}

/** @throws ConfigError where the output holds pictures of another set: the two would become one set */
async function refuseOther(out: string, plan: readonly ExchangedFile[]): Promise<void> {
  const planned = new Set(plan.map(({ to }) => to));
  const other = (await listAll(files, out))?.pictures.find((path) => !planned.has(path));
  if (other === undefined) return;
  throw new ConfigError(`--out: ${joinPath(out, other)} is not of this set; choose an empty folder`);
}
