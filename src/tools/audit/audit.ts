/** Checks a whole data set for faults that spoil training; `AuditKind` lists them. */
import { contentFault } from "../../data/content.ts";
import { listAll, unreadNote, unreadPictures } from "../../data/listing.ts";
import { type DatasetMode, findPairs } from "../../data/pairs.ts";
import { eightBit } from "../../data/transforms.ts";
import { DatasetError } from "../../errors.ts";
import type { Files, Images } from "../../platform.ts";
import { completeSet } from "../layout.ts";
import { Alignment, fewestPairs, type Move, packed, type Sample, suspects, unpacked } from "./alignment.ts";
import { duplicates } from "./duplicates.ts";
import { ExchangeTest, type Styles } from "./exchange.ts";
import { features, type Look, look, outlines } from "./features.ts";
import {
  type AuditFinding,
  type AuditPair,
  auditKinds,
  ofClasses,
  ofExchangedSides,
  ofMisaligned,
  ofOnePair,
  ofPlacement,
  ofTurned,
  ofTwoPairs,
  orphans,
} from "./findings.ts";
import { type Outlines, type Placement, PlacementTest } from "./placement.ts";
import { type DeepPair, readDeepPair, UnreadableError } from "./read.ts";
import { styleOf } from "./style.ts";

export interface AuditResult {
  layout: string;
  /** Pairs in each phase. */
  phases: { phase: string; pairs: number }[];
  /** Sizes of side A, the most frequent first. */
  sizes: { size: string; pairs: number }[];
  findings: AuditFinding[];
  /** Whether the sides line up, over the whole set. */
  placement: Placement;
  /**
   * The moves by which single pairs can be judged in this set; none where it is too small, or where its sides do not
   * correspond place by place.
   */
  judged: Move[];
  /** Whether the two sides are different enough to find pairs in which they are exchanged. */
  judgesSides: boolean;
}

export interface AuditOptions {
  datasetMode?: DatasetMode | undefined;
  /** Called at the start and after each pair. */
  progress?: ((done: number, total: number) => void) | undefined;
}

/** Number of pairs that the statistics of alignment are taken from. */
const sampleSize = 200;
/** Number of consecutive pairs in the sample. */
const run = 8;

/** At most 200 items, in runs of neighbours that are spread over the list. */
export function sampleOf<Item>(all: readonly Item[], most = sampleSize): Item[] {
  if (all.length <= most) return [...all];
  const runs = Math.floor(most / run);
  return Array.from({ length: runs * run }, (_, i) => {
    const start = Math.floor((Math.floor(i / run) * (all.length - run)) / (runs - 1));
    return all[start + (i % run)]!;
  });
}

/** The data kept of every pair. Features are not kept: they are too large. */
interface Examined {
  pair: AuditPair;
  A: Look;
  B: Look;
  /** A and B are exchanged, compared with most pairs. */
  exchanged: boolean;
  /** See `packed`; exchanged sides are swapped back before. */
  evidence: number[] | undefined;
}

/**
 * Checks a whole data set. Statistics of a sample of the pairs describe how the two sides correspond (placement.ts,
 * alignment.ts); then every pair is tested against them. Time grows in proportion to the number of pairs.
 * @throws DatasetError where there are no pairs at all
 */
export async function audit(
  access: { files: Files; images: Images },
  root: string,
  { datasetMode = "auto", progress }: AuditOptions = {},
): Promise<AuditResult> {
  const listing = await listAll(access.files, root);
  const whole = listing && completeSet(root, listing.pictures, datasetMode);
  // It throws the error that explains why there are no pairs.
  if (!whole) await findPairs(access.files, root, { datasetMode });
  if (!listing || !whole) throw new DatasetError(`there are no pairs in ${root}.`);
  const all = whole.phases.flatMap(({ phase, found }) => found.pairs.map((pair): AuditPair => ({ ...pair, phase })));
  const reader = new Examiner(access, root);
  progress?.(0, all.length);
  const { good, placement, sampled, judgesSides } = await examineAll(all, reader, progress);
  const { suspected, judged } = suspects(good.flatMap(({ evidence }) => (evidence ? unpacked(evidence) : [])));
  // A set that is at fault as a whole does not show how single pairs should correspond.
  const asWhole = placement.verdict === "moved" || placement.verdict === "exchanged";
  const findings = [
    ...reader.findings,
    ...unreadForms(listing.others),
    ...whole.phases.flatMap(({ found }) => orphans(found.onlyA, found.onlyB)),
    ...good.flatMap(({ pair, A, B }) => ofOnePair(pair, A, B)),
    ...ofClasses(good),
    ...ofPlacement(placement, sampled),
    ...good.flatMap(({ pair, exchanged }) => (exchanged ? [ofExchangedSides(pair)] : [])),
    ...(asWhole ? [] : misaligned(good, suspected)),
    ...duplicates(good).map(({ first, second, kind }) => ofTwoPairs([good[first]!.pair, good[second]!.pair], kind)),
  ];
  return {
    layout: whole.layout,
    phases: whole.phases.map(({ phase, found }) => ({ phase, pairs: found.pairs.length })),
    sizes: counted(good.map(({ A }) => `${A.width}x${A.height}`)),
    findings: findings.sort((a, b) => auditKinds.indexOf(a.kind) - auditKinds.indexOf(b.kind)),
    placement,
    judged: asWhole ? [] : judged,
    judgesSides,
  };
}

/** A finding about pictures that are left out because their format cannot be read. */
function unreadForms(others: readonly string[]): AuditFinding[] {
  const text = unreadNote(others);
  return text ? [{ kind: "form", text, files: unreadPictures(others).slice(0, 3), pairs: [] }] : [];
}

type Sampled = Pick<Learnt, "A" | "B" | "sample" | "styles">;

/** Examines a sample of the pairs, then all of them with the statistics of the sample. */
async function examineAll(all: readonly AuditPair[], reader: Examiner, progress: AuditOptions["progress"]) {
  const test = new PlacementTest();
  const sampled: AuditPair[] = [];
  const sample = new Map<AuditPair, Sampled | undefined>();
  const chosen = sampleOf(all);
  for (const [i, pair] of chosen.entries()) {
    const examined = await reader.examine(pair, true, chosen[i + 1]);
    if (examined) {
      test.add(examined.outlines!);
      sampled.push(pair);
    }
    // Outlines are large and no longer needed.
    sample.set(pair, examined && { A: examined.A, B: examined.B, sample: examined.sample, styles: examined.styles });
    progress?.(sample.size, all.length);
  }
  const placement = test.judge();
  const learnt = [...sample.values()].flatMap((each) => each ?? []);
  const sides = new ExchangeTest(learnt.map(({ styles }) => styles));
  const alignment =
    learnt.length < fewestPairs
      ? undefined
      : new Alignment(learnt.map(({ sample, styles }) => putRight(sample, sides.exchanged(styles))));
  const good: Examined[] = [];
  const rest = all.filter((pair) => !sample.has(pair));
  let done = 0;
  for (const pair of all) {
    const known = sample.has(pair);
    const examined = known ? sample.get(pair) : await reader.examine(pair, false, rest[done + 1]);
    if (examined) {
      const { A, B } = examined;
      const exchanged = sides.exchanged(examined.styles);
      const evidence = alignment && packed(alignment.evidence(putRight(examined.sample, exchanged)));
      good.push({ pair, A, B, exchanged: !isFlat(A, B) && exchanged, evidence });
    }
    if (!known) progress?.(sample.size + ++done, all.length);
  }
  return { good, placement, sampled, judgesSides: sides.judges };
}

/** Whether a side is flat: then nothing shows which side it is, or where it belongs. */
function isFlat(A: Look, B: Look): boolean {
  return A.fault?.kind === "flat" || B.fault?.kind === "flat";
}

/** The features of both sides, swapped back where the sides are exchanged. */
function putRight({ a, b }: Sample, exchanged: boolean): Sample {
  return exchanged ? { a: b, b: a } : { a, b };
}

/** What is computed of a pair. */
interface Learnt {
  A: Look;
  B: Look;
  sample: Sample;
  styles: Styles;
  outlines: Outlines | undefined;
}

/** Reads pairs, and records each file that is unreadable (once) or stored turned. */
class Examiner {
  readonly #access: { files: Files; images: Images };
  readonly #root: string;
  readonly #bad = new Set<string>();
  #ahead: { pair: AuditPair; sides: Promise<DeepPair | undefined> } | undefined;
  readonly findings: AuditFinding[] = [];

  constructor(access: { files: Files; images: Images }, root: string) {
    this.#access = access;
    this.#root = root;
  }

  /** @param next the pair of the next call: its files are read while this one is examined */
  async examine(pair: AuditPair, withOutlines: boolean, next: AuditPair | undefined): Promise<Learnt | undefined> {
    const sides = await (this.#ahead?.pair === pair ? this.#ahead.sides : this.#read(pair));
    this.#ahead = next && { pair: next, sides: this.#read(next) };
    // An error is thrown when the pair is examined.
    this.#ahead?.sides.catch(() => {});
    if (!sides) return undefined;
    const [a, b] = [eightBit(sides.A), eightBit(sides.B)];
    return {
      A: look(a, contentFault(sides.A)),
      B: look(b, contentFault(sides.B)),
      sample: { a: features(a), b: features(b) },
      styles: { a: styleOf(a), b: styleOf(b) },
      outlines: withOutlines ? { a: outlines(a), b: outlines(b) } : undefined,
    };
  }

  async #read(pair: AuditPair): Promise<DeepPair | undefined> {
    try {
      const sides = await readDeepPair(this.#access, this.#root, pair);
      for (const turned of sides.turned) this.findings.push(ofTurned(pair, turned));
      return sides;
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const { file, message } = error;
      if (!this.#bad.has(file)) this.findings.push({ kind: "unreadable", text: message, files: [file], pairs: [] });
      this.#bad.add(file);
      return undefined;
    }
  }
}

/** Single pairs that do not line up, the most significant first. Pairs with exchanged sides have a finding of their own. */
function misaligned(good: readonly Examined[], suspected: readonly (Move | undefined)[]): AuditFinding[] {
  const found = good.flatMap(({ pair, A, B, exchanged, evidence }, i) => {
    const move = suspected[i];
    if (!move || !evidence || exchanged || isFlat(A, B)) return [];
    return [{ pair, move, errors: unpacked(evidence)[move].errors }];
  });
  return found.sort((a, b) => b.errors - a.errors).map(({ pair, move, errors }) => ofMisaligned(pair, move, errors));
}

function counted(sizes: readonly string[]): { size: string; pairs: number }[] {
  const counts = new Map<string, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts].map(([size, pairs]) => ({ size, pairs })).sort((a, b) => b.pairs - a.pairs);
}
