/** Pairs of a stored data set that are kept from training: they move to the phase "val", and a file in the folder says so. */
import { listAll } from "../data/listing.ts";
import { findPairs } from "../data/pairs.ts";
import { UserError } from "../errors.ts";
import { readText } from "../formats/read-text.ts";
import { wholeSet } from "../tools/layout.ts";
import { deal, type Placement, placements } from "../tools/split.ts";
import { files } from "./files.ts";

export interface HoldOutOptions {
  /** Of the pairs, such as 0.1. */
  share: number;
  /** Of the choice: the same seed keeps the same pairs. */
  seed: number;
}

/** What a data set remembers of it. */
export interface HeldOut extends HoldOutOptions {
  /** Pairs that are left to train on, and pairs that are not. */
  pairs: number;
  held: number;
}

interface Stored extends HeldOut {
  /** Files that still have to be moved: a closed tab does not leave half a split. */
  plan: readonly Placement[];
}

const remembered = (root: string) => `${root}/.held-out.json`;

/** The numbers of pairs on both sides, before anything is moved. */
export function heldOutOf(count: number, options: HoldOutOptions): HeldOut {
  const held = phasesOf(count, options).filter((phase) => phase === "val").length;
  return { ...options, pairs: count - held, held };
}

const phasesOf = (count: number, { share, seed }: HoldOutOptions) =>
  deal(count, { train: 1 - share, val: share, test: 0 }, { seed, sort: false });

/** Whether the data set has no phases of its own yet, such as folders train and test. */
export async function canHoldOut(root: string): Promise<boolean> {
  const listing = await listAll(files, root);
  return wholeSet(listing?.pictures ?? [])?.phases.every(({ phase }) => phase === "") ?? false;
}

/** What the data set remembers; undefined where nothing is kept from training. */
export async function heldOut(root: string): Promise<HeldOut | undefined> {
  if (!(await files.exists(remembered(root)))) return undefined;
  const { plan: _, ...held } = await stored(root);
  return held;
}

async function stored(root: string): Promise<Stored> {
  return JSON.parse(await readText(files, remembered(root))) as Stored;
}

/**
 * Keeps a share of the pairs from training, or completes what a closed tab has left.
 * @throws UserError for a data set that has phases already
 */
export async function holdOut(root: string, options: HoldOutOptions): Promise<HeldOut> {
  if (!(await files.exists(remembered(root)))) {
    if (!(await canHoldOut(root))) throw new UserError(`${root} has folders such as train and val already.`);
    const { pairs } = await findPairs(files, root, { skipUnpaired: true });
    const below = (file: string) => file.slice(root.length + 1);
    const own = pairs.map(({ name, A, B }) => ({
      name,
      A: { ...A, file: below(A.file) },
      B: { ...B, file: below(B.file) },
    }));
    const plan = placements(own, phasesOf(pairs.length, options));
    const content: Stored = { ...heldOutOf(pairs.length, options), plan };
    await files.write(remembered(root), JSON.stringify(content));
  }
  const { plan, ...held } = await stored(root);
  for (const { from, to } of plan) {
    if (await files.exists(`${root}/${from}`)) await files.rename(`${root}/${from}`, `${root}/${to}`);
  }
  await files.write(remembered(root), JSON.stringify({ ...held, plan: [] } satisfies Stored));
  return held;
}
