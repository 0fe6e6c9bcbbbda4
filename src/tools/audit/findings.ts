/** The findings of the audit and their texts. */
import type { Pair } from "../../data/layouts.ts";
import { endingOf } from "../../data/listing.ts";
import { type Move, otherPair } from "./alignment.ts";
import type { Duplicate } from "./duplicates.ts";
import type { Look } from "./features.ts";
import { type Placement, percent, type Share } from "./placement.ts";
import { isMoved, type Pose } from "./pose.ts";
import type { Turned } from "./read.ts";

/** A pair of the set, with paths relative to the dataroot. */
export interface AuditPair extends Pair {
  /** "" where the data set has none. */
  phase: string;
}

/**
 * Kinds of findings. The order is that of their harm: first those that stop a run, last those that only cost quality.
 * - unreadable: a file that is no picture, or a damaged one
 * - form: pictures in a format that cannot be read, such as HEIC
 * - orphan: a picture without a partner
 * - size: the two sides differ in size
 * - same: the two sides are one picture
 * - turned: a file with an EXIF orientation, which viewers follow and training does not
 * - placement: throughout the set, sides were cropped, mirrored or exchanged
 * - sides: A and B of a pair are exchanged, compared with most pairs
 * - misaligned: the sides of a single pair line up better when B is moved
 * - leak: two phases have the same pair
 * - contradiction: one side occurs twice, each time with another partner
 * - duplicate: one phase has a pair twice
 * - classes: label maps of class numbers
 * - empty: a side shows nothing, or nearly nothing
 */
export const auditKinds = [
  "unreadable",
  "form",
  "orphan",
  "size",
  "same",
  "turned",
  "placement",
  "sides",
  "misaligned",
  "leak",
  "contradiction",
  "duplicate",
  "classes",
  "empty",
] as const;
export type AuditKind = (typeof auditKinds)[number];

export interface AuditFinding {
  kind: AuditKind;
  /** The finding as a sentence. */
  text: string;
  /** Paths of the files, relative to the dataroot; only the first ones for findings about the whole set. */
  files: string[];
  /** The pairs concerned, or examples of them; none for orphans and files that cannot be read. */
  pairs: AuditPair[];
  /** The move of B that makes the sides line up. */
  move?: Move;
  /** The pose in which the B of each of `pairs` fits, for `placement`. */
  fits?: Pose[];
}

/** Number of examples for a finding about the whole set. */
const examples = 8;

/** Pictures without a partner. */
export function orphans(onlyA: readonly string[], onlyB: readonly string[]): AuditFinding[] {
  const of = (file: string, side: string, other: string): AuditFinding => {
    return { kind: "orphan", text: `${side} without ${other}`, files: [file], pairs: [] };
  };
  return [...onlyA.map((file) => of(file, "A", "B")), ...onlyB.map((file) => of(file, "B", "A"))];
}

function about(pair: AuditPair): Pick<AuditFinding, "files" | "pairs"> {
  return { files: [...new Set([pair.A.file, pair.B.file])], pairs: [pair] };
}

/** Findings about the sizes and the content of one pair. */
export function ofOnePair(pair: AuditPair, A: Look, B: Look): AuditFinding[] {
  const found: AuditFinding[] = [];
  if (A.width !== B.width || A.height !== B.height) {
    const text = `A is ${A.width}x${A.height}, B is ${B.width}x${B.height}`;
    found.push({ kind: "size", text, ...about(pair) });
  }
  if (A.content === B.content && A.fault?.kind !== "flat") {
    found.push({ kind: "same", text: "A and B are the same picture", ...about(pair) });
  }
  const blank = Object.entries({ A, B }).flatMap(([side, { fault }]) => {
    return fault && fault.kind !== "classes" ? [`${side} is ${fault.text}`] : [];
  });
  if (blank.length > 0) found.push({ kind: "empty", text: blank.join("; "), ...about(pair) });
  return found;
}

/** One finding for each side that has label maps of class numbers. */
export function ofClasses(all: readonly { pair: AuditPair; A: Look; B: Look }[]): AuditFinding[] {
  return (["A", "B"] as const).flatMap((side): AuditFinding[] => {
    const maps = all.filter((each) => each[side].fault?.kind === "classes");
    const [first] = maps;
    if (!first) return [];
    const largest = (each: { A: Look; B: Look }) => each[side].fault?.largest ?? 0;
    const most = maps.reduce((best, each) => (largest(each) > largest(best) ? each : best), first);
    const lossy = maps.find(({ pair }) => ["jpg", "jpeg"].includes(endingOf(pair[side].file)))?.pair[side].file;
    const text =
      `${side} is ${most[side].fault?.text} (${maps.length} of ${all.length} pairs)` +
      (lossy ? `; ${lossy} is a JPEG, whose compression has changed numbers: save them as PNG from their source` : "");
    const shown = maps.slice(0, 3).map(({ pair }) => pair);
    return [{ kind: "classes", text, files: shown.map((pair) => pair[side].file), pairs: shown }];
  });
}

/** What viewers do with a picture of each EXIF orientation. */
const turnings: Readonly<Record<number, string>> = {
  2: "mirrored left to right",
  3: "turned by 180 degrees",
  4: "mirrored top to bottom",
  5: "mirrored left to right and turned by 90 degrees to the left",
  6: "turned by 90 degrees to the right",
  7: "mirrored left to right and turned by 90 degrees to the right",
  8: "turned by 90 degrees to the left",
};

export function ofTurned(pair: AuditPair, { file, orientation }: Turned): AuditFinding {
  const text = `viewers show it ${turnings[orientation]} (EXIF orientation ${orientation}), training takes it as stored`;
  return { kind: "turned", text, files: [file], pairs: [pair] };
}

export function ofExchangedSides(pair: AuditPair): AuditFinding {
  return { kind: "sides", text: "A looks like B of most other pairs, and B like their A", ...about(pair) };
}

export function ofMisaligned(pair: AuditPair, move: Move, errors: number): AuditFinding {
  const what =
    move === otherPair
      ? "fits its own partner no better than those of other pairs"
      : `lines up better when B is ${move}`;
  return { kind: "misaligned", text: `${what} (${errors.toFixed(1)} standard errors)`, ...about(pair), move };
}

export function ofTwoPairs(pairs: [AuditPair, AuditPair], how: Duplicate["kind"]): AuditFinding {
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

/** The finding about the placement of the sides over the whole set. @param pairs those that were judged, in order */
export function ofPlacement(placement: Placement, pairs: readonly AuditPair[]): AuditFinding[] {
  if (placement.verdict === "moved") return [ofMoved(placement, pairs)];
  if (placement.verdict === "exchanged") return [ofExchanged(placement, pairs)];
  return [];
}

function ofMoved(placement: Placement, pairs: readonly AuditPair[]): AuditFinding {
  const moved = pairs.flatMap((pair, i) => {
    const fit = placement.fits[i];
    return fit && isMoved(fit) ? [{ pair, fit }] : [];
  });
  const shown = moved.slice(0, examples);
  return {
    kind: "placement",
    text: movedText(placement),
    files: shown.slice(0, 3).flatMap(({ pair }) => about(pair).files),
    pairs: shown.map(({ pair }) => pair),
    fits: shown.map(({ fit }) => fit),
  };
}

function movedText(placement: Placement): string {
  const { telling, pairs, mirrored, shifted, spread } = placement;
  const parts: string[] = [];
  if (mirrored.from > leastMentioned) parts.push(`${interval(mirrored)} fit only with B mirrored`);
  if (shifted.from > leastMentioned) {
    parts.push(`${interval(shifted)} fit only with B shifted (typically by ${percent(spread)} of the side)`);
  }
  return (
    `${causeOf(placement)}. In ${telling} of ${pairs} pairs it shows where B fits A. Of these, ${parts.join(", and ")}. ` +
    "The intervals hold with 95 % confidence"
  );
}

/** A share whose lower bound is below this is not mentioned. */
const leastMentioned = 0.02;
/** From this share on, all pairs are taken to have the same fault. */
const nearlyAll = 0.9;

function causeOf({ mirrored, shifted, spread, fits }: Placement): string {
  const known = fits.flatMap((fit) => fit ?? []);
  const mean = (of: (fit: Pose) => number) => known.reduce((sum, fit) => sum + of(fit) / known.length, 0);
  const [x, y] = [mean(({ dx }) => dx), mean(({ dy }) => dy)];
  const steady = Math.sqrt((x ** 2 + y ** 2) / 2) > nearlyAll * spread;
  const [flips, shifts] = [mirrored.from > leastMentioned, shifted.from > leastMentioned];
  if (flips && !shifts && mirrored.value > nearlyAll) return "B seems to be mirrored in all pairs";
  if (shifts && !flips && shifted.value > nearlyAll && steady)
    return "B seems to be shifted by the same distance in all pairs";
  const how = flips && shifts ? "cropped and mirrored" : flips ? "mirrored" : "cropped or shifted";
  return `the two sides seem to have been ${how} independently of each other`;
}

/** "49 % (44 to 54 %)" */
function interval({ value, from, to }: Share): string {
  return `${percent(value)} (${Math.round(100 * from)} to ${percent(to)})`;
}

function ofExchanged({ partners, exchanged, pairs: count }: Placement, pairs: readonly AuditPair[]): AuditFinding {
  const shown = partners.flatMap((partner, i) =>
    partner === undefined ? [] : [[pairs[i]!, pairs[partner]!] as const],
  );
  const names = shown.slice(0, 3).map(([one, other]) => `${one.A.file} fits ${other.B.file}`);
  return {
    kind: "placement",
    text:
      `the partners seem to be mixed up: the outlines agree with those of the own partner no better than by chance, but in ` +
      `${exchanged} of ${count} pairs A clearly fits the B of another pair (${names.join("; ")})`,
    files: [...new Set(shown.slice(0, 2).flatMap(([one]) => about(one).files))],
    pairs: shown.slice(0, 2).flat(),
  };
}

/** Whether the sides line up, in a few words for the list of facts. */
export function placementFact({ verdict, reason, telling, pairs, moved }: Placement): string {
  if (verdict === "moved") return `no: ${interval(moved)} of the pairs fit only when B is moved`;
  if (verdict === "exchanged") return "no: the partners seem to be mixed up";
  if (verdict === "unknown") return `could not be judged: ${reason}`;
  const still = { value: 1 - moved.value, from: 1 - moved.to, to: 1 - moved.from };
  return `yes, in ${interval(still)} of the pairs; it shows in ${telling} of ${pairs} that were compared`;
}
