/** Checks a whole data set for faults that spoil training; AuditKind lists them. */

import type { Pair, Side } from "../../data/layouts.ts";
import { joinPath, listAll } from "../../data/listing.ts";
import { type DatasetMode, findPairs } from "../../data/pairs.ts";
import { halves } from "../../data/transforms.ts";
import { DatasetError, UserError } from "../../errors.ts";
import type { Files, Images, Picture } from "../../platform.ts";
import { type WholeSet, wholeSet } from "../layout.ts";
import { Alignment, type Evidence, fewestPairs, type Move, otherPair, type Sample, suspects } from "./alignment.ts";
import { duplicates } from "./duplicates.ts";
import { features, type Look, look } from "./features.ts";

/** A pair of the set, with paths relative to the dataroot. */
export interface AuditPair extends Pair {
  /** "" where the data set has none. */
  phase: string;
}

/**
 * - unreadable: a file that is no picture, or a damaged one
 * - orphan: a picture without a partner
 * - size: the two sides differ in size
 * - misaligned: the sides line up better when B is moved
 * - leak: two phases have the same pair
 * - duplicate: one phase has a pair twice
 * - contradiction: one side occurs twice, each time with another partner
 * - empty: a side shows nothing, or nearly nothing
 */
export type AuditKind =
  | "unreadable"
  | "orphan"
  | "size"
  | "misaligned"
  | "leak"
  | "duplicate"
  | "contradiction"
  | "empty";

export interface AuditFinding {
  kind: AuditKind;
  /** The finding as a sentence. */
  text: string;
  /** Paths of the files, relative to the dataroot. */
  files: string[];
  /** The pairs concerned; none for orphans and unreadable files. */
  pairs: AuditPair[];
  /** The move of B that makes the sides line up. */
  move?: Move;
}

export interface AuditResult {
  layout: string;
  /** Pairs in each phase. */
  phases: { phase: string; pairs: number }[];
  /** Sizes of side A, the most frequent first. */
  sizes: { size: string; pairs: number }[];
  findings: AuditFinding[];
  /**
   * The moves that can be judged in this set; none where it is too small, or where its sides do not correspond place by
   * place.
   */
  judged: Move[];
}

export interface AuditOptions {
  datasetMode?: DatasetMode | undefined;
  /** Called after each pair. */
  progress?: ((done: number, total: number) => void) | undefined;
}

/** Number of pairs that the statistics of alignment are taken from. */
const sampleSize = 200;
/** A side is empty where a smaller share of its pixels differs from its most frequent colour. */
const leastBusy = 0.002;

/**
 * Checks a whole data set. Statistics of a sample of the pairs describe how the two sides correspond (alignment.ts);
 * then every pair is tested against them.
 * @throws DatasetError where there are no pairs at all
 */
export async function audit(
  io: { files: Files; images: Images },
  root: string,
  { datasetMode = "auto", progress }: AuditOptions = {},
): Promise<AuditResult> {
  const { layout, phases } = await wholeSetOf(io.files, root, datasetMode);
  const all = phases.flatMap(({ phase, found }) => found.pairs.map((pair): AuditPair => ({ ...pair, phase })));
  const examiner = new Examiner(io, root);
  const { good, alignment } = await examineAll(all, examiner, progress);
  const { findings: misaligned, judged } = misalignedPairs(good);
  const findings = [
    ...phases.flatMap(({ found }) => orphans(found.onlyA, found.onlyB)),
    ...examiner.unreadable,
    ...good.flatMap(({ pair, A, B }) => ofOnePair(pair, A, B)),
    ...misaligned,
    ...duplicates(good).map(({ first, second, kind }) => ofTwoPairs([good[first]!.pair, good[second]!.pair], kind)),
  ];
  return {
    layout,
    phases: phases.map(({ phase, found }) => ({ phase, pairs: found.pairs.length })),
    sizes: counted(good.map(({ A }) => `${A.width}x${A.height}`)),
    findings: findings.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
    judged: alignment ? judged : [],
  };
}

/** The pairs of all phases. @throws DatasetError where there are none */
async function wholeSetOf(files: Files, root: string, datasetMode: DatasetMode): Promise<WholeSet> {
  const listing = await listAll(files, root);
  const whole = listing && wholeSet(listing.pictures, datasetMode);
  if (whole) return whole;
  // It throws the error that explains why there are no pairs.
  await findPairs(files, root, { datasetMode });
  throw new DatasetError(`there are no pairs in ${root}.`);
}

/** The data of a pair that could be read. */
interface Examined {
  pair: AuditPair;
  A: Look;
  B: Look;
  sample: Sample;
}

/** Reads pairs, and records each unreadable file once. */
class Examiner {
  readonly unreadable: AuditFinding[] = [];
  readonly #io: { files: Files; images: Images };
  readonly #root: string;
  readonly #bad = new Set<string>();

  constructor(io: { files: Files; images: Images }, root: string) {
    this.#io = io;
    this.#root = root;
  }

  async examine(pair: AuditPair): Promise<Examined | undefined> {
    try {
      const { A, B } = await readPair(this.#io, this.#root, pair);
      return { pair, A: look(A), B: look(B), sample: { a: features(A), b: features(B) } };
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const { file, message } = error;
      if (!this.#bad.has(file)) this.unreadable.push({ kind: "unreadable", text: message, files: [file], pairs: [] });
      this.#bad.add(file);
      return undefined;
    }
  }
}

/** The data kept of every pair. Features are not kept: they are too large. */
type Good = Omit<Examined, "sample"> & { evidence: Evidence | undefined };

/** Examines a sample of the pairs, then all of them with the statistics of the sample. */
async function examineAll(
  all: readonly AuditPair[],
  examiner: Examiner,
  progress: AuditOptions["progress"],
): Promise<{ good: Good[]; alignment: Alignment | undefined }> {
  const step = Math.max(1, all.length / sampleSize);
  const sample = new Map<AuditPair, Examined | undefined>();
  for (let at = 0; at < all.length; at += step) {
    const pair = all[Math.floor(at)]!;
    sample.set(pair, await examiner.examine(pair));
    progress?.(sample.size, all.length);
  }
  const readable = [...sample.values()].flatMap((each) => each?.sample ?? []);
  const alignment = readable.length < fewestPairs ? undefined : new Alignment(readable);
  const good: Good[] = [];
  let done = sample.size;
  for (const pair of all) {
    const known = sample.has(pair);
    const examined = known ? sample.get(pair) : await examiner.examine(pair);
    if (examined) good.push({ pair, A: examined.A, B: examined.B, evidence: alignment?.evidence(examined.sample) });
    if (!known) progress?.(++done, all.length);
  }
  return { good, alignment };
}

/** Misaligned pairs, the most significant first, and the moves that can be judged in this set. */
function misalignedPairs(good: readonly Good[]): { findings: AuditFinding[]; judged: Move[] } {
  const { suspected, judged } = suspects(good.flatMap(({ evidence }) => evidence ?? []));
  const found = good.flatMap(({ pair, A, B, evidence }, i) => {
    const move = suspected[i];
    if (!move || !evidence || Math.min(A.busy, B.busy) < leastBusy) return [];
    return [{ pair, move, errors: evidence[move].errors }];
  });
  const findings = found
    .sort((a, b) => b.errors - a.errors)
    .map(({ pair, move, errors }): AuditFinding => {
      const what =
        move === otherPair
          ? "fits its own partner no better than those of other pairs"
          : `lines up better when B is ${move}`;
      return { kind: "misaligned", text: `${what} (${errors.toFixed(1)} standard errors)`, ...about(pair), move };
    });
  return { findings, judged };
}

/** Order of the kinds: first those that stop a run, last those that only cost quality. */
const order: readonly AuditKind[] = [
  "unreadable",
  "orphan",
  "size",
  "misaligned",
  "leak",
  "contradiction",
  "duplicate",
  "empty",
];

class UnreadableError extends UserError {
  readonly file: string;
  constructor(file: string, message: string) {
    super(message);
    this.file = file;
  }
}

/** Both sides of a pair, with 8 bits. @throws UserError that names the unreadable file */
export async function readPair(
  { files, images }: { files: Files; images: Images },
  root: string,
  pair: Pair,
): Promise<{ A: Picture; B: Picture }> {
  const read = async (file: string) => {
    try {
      return await images.decode(await files.read(joinPath(root, file)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UnreadableError(file, error.message);
    }
  };
  const side = ({ file, half }: Side, picture: Picture) => {
    if (!half) return picture;
    try {
      return halves(picture, file)[half];
    } catch (error) {
      throw new UnreadableError(file, (error as Error).message.replace(`${file}: `, ""));
    }
  };
  const first = await read(pair.A.file);
  const second = pair.B.file === pair.A.file ? first : await read(pair.B.file);
  return { A: side(pair.A, first), B: side(pair.B, second) };
}

function orphans(onlyA: readonly string[], onlyB: readonly string[]): AuditFinding[] {
  const of = (file: string, side: string, other: string): AuditFinding => {
    return { kind: "orphan", text: `${side} without ${other}`, files: [file], pairs: [] };
  };
  return [...onlyA.map((file) => of(file, "A", "B")), ...onlyB.map((file) => of(file, "B", "A"))];
}

function about(pair: AuditPair): Pick<AuditFinding, "files" | "pairs"> {
  return { files: [...new Set([pair.A.file, pair.B.file])], pairs: [pair] };
}

function ofOnePair(pair: AuditPair, A: Look, B: Look): AuditFinding[] {
  const found: AuditFinding[] = [];
  if (A.width !== B.width || A.height !== B.height) {
    const text = `A is ${A.width}x${A.height}, B is ${B.width}x${B.height}`;
    found.push({ kind: "size", text, ...about(pair) });
  }
  const flat = Object.entries({ A, B }).filter(([, { busy }]) => busy < leastBusy);
  if (flat.length > 0) {
    const text = flat.map(([side, { busy }]) => {
      return `${side} is one flat colour${busy === 0 ? "" : ` but for ${(100 * busy).toFixed(2)} % of it`}`;
    });
    found.push({ kind: "empty", text: text.join("; "), ...about(pair) });
  }
  return found;
}

function ofTwoPairs(pairs: [AuditPair, AuditPair], how: "exact" | "near" | "A" | "B"): AuditFinding {
  const [one, other] = pairs;
  const files = pairs.flatMap((pair) => about(pair).files);
  const across = one.phase !== other.phase;
  if (how === "A" || how === "B") {
    const partner = how === "A" ? "B" : "A";
    return { kind: "contradiction", text: `the same ${how} with two different ${partner}`, files, pairs };
  }
  const alike = how === "exact" ? "the same pair" : "two pairs that look the same";
  const where = across
    ? `${alike} in ${one.phase} and ${other.phase}`
    : `${alike}${one.phase ? ` in ${one.phase}` : ""}`;
  return { kind: across ? "leak" : "duplicate", text: where, files, pairs };
}

function counted(sizes: readonly string[]): { size: string; pairs: number }[] {
  const counts = new Map<string, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts].map(([size, pairs]) => ({ size, pairs })).sort((a, b) => b.pairs - a.pairs);
}
