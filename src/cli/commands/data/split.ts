/** pix2pix data split */
import { copyFile, link, lstat, readlink, realpath, rename, rm, symlink } from "node:fs/promises";
import { dirname, isAbsolute, relative } from "node:path";
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { configSchema } from "../../../config/schema.ts";
import { listAll } from "../../../data/listing.ts";
import { findPairs } from "../../../data/pairs.ts";
import { plainNotes } from "../../../data/sample.ts";
import { ConfigError, DatasetError, UserError } from "../../../errors.ts";
import { readText } from "../../../formats/read-text.ts";
import { files, reasonOf } from "../../../node/files.ts";
import { makeFolder } from "../../../node/folders.ts";
import { counted, visible } from "../../../text.ts";
import { completeSet } from "../../../tools/layout.ts";
import { deal, type Placement, phases, placements, sharesOf } from "../../../tools/split.ts";
import type { Command, Output } from "../../command.ts";
import { listedPictures, sameFile } from "../../pictures.ts";
import { loadImages } from "../../platform.ts";
import { Counter } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";

const { datasetMode, skipUnpaired } = configSchema.shape;
const share = { group: "shares" } as const;

const schema = z.object({
  input: option(z.string().min(1), {
    group: "folders",
    value: "FOLDER",
    help: "aligned pictures, or pairs in A/ and B/ or side by side, not yet split",
  }),
  out: option(z.string().min(1), {
    group: "folders",
    value: "FOLDER",
    help: "folder for train/, val/ and test/ (or trainA/, trainB/, ...); with --mode move it may be the input folder",
  }),
  trainFrac: option(z.number().min(0).max(1).default(0.8), { ...share, help: "share of the pairs for training" }),
  testFrac: option(z.number().min(0).max(1).default(0), { ...share, help: "share of the pairs for testing" }),
  valFrac: option(z.number().min(0).max(1).optional(), {
    ...share,
    absent: "the rest",
    help: "share of the pairs for validation",
  }),
  seed: option(z.int().min(0).default(0), {
    ...share,
    help: "seed of the random order: the same seed gives the same split",
  }),
  sort: option(z.boolean().default(false), {
    ...share,
    help: "keep the order of names: the first to train, the last to test (for frames of a film)",
  }),
  mode: option(z.enum(["copy", "move", "link"]).default("copy"), {
    group: "folders",
    help: "how files are placed; link makes hard links, which take no space",
  }),
  datasetMode,
  skipUnpaired,
});

export const split: Command = {
  name: "data split",
  summary: "divide pairs into train, val and test",
  schema,
  examples: [
    "npx pix2pix data split --input pairs --out data/mine",
    "npx pix2pix data split --input pairs --out data/mine --train-frac 0.8 --val-frac 0.1 --test-frac 0.1 --mode link",
  ],
  async run(given, output) {
    const { input, out, mode, ...options } = ownOptions(schema, given);
    if (mode === "move" && (await files.exists(journalIn(out)))) return completeMove(input, out, output);
    const shares = sharesOf(options.trainFrac, options.testFrac, options.valFrac);
    if (mode !== "move" && (await sameFile(input, out))) {
      throw new ConfigError(
        `--out: got the input folder ${visible(input)}, expected another one; --mode move splits it where it is`,
      );
    }
    await refuseSplit(input, options.datasetMode);
    const found = await findPairs(files, input, options);
    const plain = await plainNotes(found, options.datasetMode, { files, images: await loadImages() });
    for (const note of [...found.notes, ...plain]) output.note(`note: ${note}`);
    const below = (file: string) => file.slice(input.length).replace(/^[/\\]/, "");
    const pairs = found.pairs.map(({ name, A, B }) => {
      return { name, A: { ...A, file: below(A.file) }, B: { ...B, file: below(B.file) } };
    });
    const dealt = deal(pairs.length, shares, options);
    const plan = placements(pairs, dealt);
    await refuseOther(out, plan);

    if (mode === "move") await files.write(journalIn(out), JSON.stringify(plan));
    try {
      await placeAll(plan, input, out, mode);
    } catch (error) {
      // Where no file was moved, for example because the folders are on two disks, there is no move to complete.
      const [first] = plan;
      if (mode === "move" && first && !(await files.exists(`${out}/${first.to}`))) await files.remove(journalIn(out));
      throw error;
    }
    const counts = phases.map((phase) => `${dealt.filter((each) => each === phase).length} ${phase}`);
    const verb = { copy: "copied", move: "moved", link: "linked" }[mode];
    output.print(
      `${counted(pairs.length, "pair")} (${found.layout}): ${counts.join(", ")}; ${counted(plan.length, "file")} ${verb} to ${out}`,
    );
    return 0;
  },
};

/**
 * The plan of a move, which exists until all files are moved. After a kill the plan cannot be computed again, because
 * the input has lost pairs.
 */
const journalIn = (out: string) => `${out}/.split.json`;

/** Completes a move that was interrupted. */
async function completeMove(input: string, out: string, output: Output): Promise<number> {
  const plan = planIn(await readText(files, journalIn(out)));
  if (!plan) {
    throw new UserError(`${journalIn(out)} is damaged. It is the plan of a split that was interrupted; remove it.`);
  }
  const left: Placement[] = [];
  for (const each of plan) if (await files.exists(`${input}/${each.from}`)) left.push(each);
  await placeAll(left, input, out, "move");
  output.print(
    `The split that was interrupted is complete: the last ${left.length} of ${plan.length} files moved to ${out}`,
  );
  return 0;
}

/** Undefined for a plan that no split has written, such as one with paths that lead out of the folders. */
function planIn(text: string): Placement[] | undefined {
  const isBelow = (path: unknown) =>
    typeof path === "string" && !/^([/\\]|[a-z]:)/i.test(path) && !path.split(/[/\\]/).includes("..");
  try {
    const plan: unknown = JSON.parse(text);
    const isPlan = Array.isArray(plan) && plan.every((each) => isBelow(each?.from) && isBelow(each?.to));
    return isPlan ? (plan as Placement[]) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function placeAll(plan: readonly Placement[], input: string, out: string, mode: Mode): Promise<void> {
  const counter = new Counter(process.stdout, plan.length, "files");
  for (const { from, to } of plan) {
    await place(`${input}/${from}`, `${out}/${to}`, mode);
    counter.done();
  }
  counter.clear();
  if (mode === "move") await files.remove(journalIn(out));
}

/** @throws DatasetError without a picture, for an input that has phases already (only one would be split), and as `completeSet` */
async function refuseSplit(input: string, datasetMode: string): Promise<void> {
  const { pictures } = await listedPictures("--input", input);
  const whole = completeSet(input, pictures, datasetMode);
  const there = whole?.phases.map(({ phase }) => phase).filter(Boolean) ?? [];
  const [first] = there;
  if (first === undefined) return;
  const isFolder = there.every((phase) => pictures.some((path) => path.startsWith(`${phase}/`)));
  const advice = isFolder
    ? `Give one of them, such as --input ${input}/${first}, or a folder of pairs without phases.`
    : "To split the pairs anew, move the pictures of side A into one folder A and those of side B into a folder B.";
  throw new DatasetError(`${input} has phases already (${there.join(", ")}; ${whole?.layout}). ${advice}`);
}

/** @throws ConfigError where the output holds pictures of another split: test pairs would leak into training */
async function refuseOther(out: string, plan: readonly Placement[]): Promise<void> {
  const planned = new Set(plan.map(({ to }) => to));
  const listing = await listAll(files, out);
  const phase = new RegExp(`^(${phases.join("|")})[AB]?/`);
  const other = (listing?.pictures ?? []).find((path) => phase.test(path) && !planned.has(path));
  if (other === undefined) return;
  throw new ConfigError(`--out: ${out}/${other} is of another split; choose an empty folder, or remove the old split`);
}

type Mode = "copy" | "move" | "link";

async function place(from: string, to: string, mode: Mode): Promise<void> {
  try {
    await makeFolder(dirname(to));
    if (mode === "copy") {
      await copyFile(from, `${to}.part`);
      await rename(`${to}.part`, to);
    } else if (mode === "move") await move(from, to);
    else {
      await rm(to, { force: true });
      // Of a symbolic link a hard link would be another symbolic link, which may lead elsewhere from its new place.
      await link(await realpath(from), to);
    }
  } catch (error) {
    // A failure to remove the part must not hide the first error.
    await rm(`${to}.part`, { force: true }).catch(() => {});
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EXDEV" ? "they are on different disks; use --mode copy" : reasonOf(error, from);
    throw new UserError(`cannot ${mode} ${from} to ${to}: ${reason}`);
  }
}

/** A symbolic link with a relative path leads to the same file afterwards. */
async function move(from: string, to: string): Promise<void> {
  const isLink = (await lstat(from)).isSymbolicLink();
  if (!isLink || isAbsolute(await readlink(from))) return rename(from, to);
  const path = relative(await realpath(dirname(to)), await realpath(from));
  await rm(to, { force: true });
  await symlink(path, to);
  await rm(from);
}
