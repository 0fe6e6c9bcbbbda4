/**
 * Layouts: the arrangements of pairs on a disk. Each export of this file is a choice of `--dataset-mode`. A new layout
 * needs one export here; types aside, nothing else may be exported.
 *
 * A layout reads the pictures' paths (relative to the dataroot) and finds the pairs. `auto` tries the layouts in the order
 * of `rank` and takes the first whose pairs are `likely`.
 */
import type { Derive } from "./derivations.ts";
import { below, byStem, direct, endingOf, isPhaseName, stemOf, topFolders } from "./listing.ts";

/** A picture, or one half of it. A layout's paths are relative to the dataroot; those of findPairs are complete. */
export interface Side {
  file: string;
  half?: "left" | "right";
  derive?: Derive;
}

/** `name`: the stem, relative to the folder of the phase, forward slashes; no two pairs of a phase share it. */
export interface Pair {
  name: string;
  A: Side;
  B: Side;
}

export interface Found {
  /** The folders, for messages: "train/" or "trainA/ and trainB/". */
  place: string;
  pairs: Pair[];
  /** Pictures without a partner, relative to the dataroot. */
  onlyA: string[];
  onlyB: string[];
  /** Whether `auto` may choose this layout. */
  likely: boolean;
  /** Whether the folder is that of the phase; false when the data set has no phases. */
  ofPhase: boolean;
}

export interface Layout {
  /** One line for help and docs. */
  help: string;
  /** `auto` tries the lowest first. */
  rank: number;
  /** How the sides are computed, where they are not the pictures themselves; `auto` never takes such a layout. */
  derive?: { A?: Derive; B?: Derive };
  /** The paths at which `find` looks for the pairs of a phase, relative to the dataroot; for messages. */
  patterns(phase: string): string[];
  /** The phases for which `find` returns pairs. */
  phases(pictures: readonly string[]): string[];
  /** The pairs of a phase; undefined when no picture has this layout. */
  find(pictures: readonly string[], phase: string): Found | undefined;
}

/** One picture per pair, A in its left half and B in its right half, as in the paper's archives. */
export const aligned: Layout = {
  help: "one picture per pair, A left and B right",
  rank: 3,
  patterns: (phase) => [`${phase}/**/*.{jpg,png,...}`, "*.{jpg,png,...} where there are no folders train, val, test"],
  phases: phaseFolders,
  find(pictures, phase) {
    const place = phasePlace(pictures, phase);
    if (!place) return undefined;
    const stems = place.pictures.map(stemOf);
    const pairs = place.pictures.map((path, i): Pair => {
      const file = place.folder + path;
      const shared = stems[i] === stems[i - 1] || stems[i] === stems[i + 1];
      return { name: shared ? path : stems[i]!, A: { file, half: "left" }, B: { file, half: "right" } };
    });
    return { ...found(place), pairs, onlyA: [], onlyB: [], likely: true };
  },
};

/** Two folders; pictures of the same stem are a pair, whatever their endings. */
export const folders: Layout = {
  help: "two folders A and B (or trainA and trainB), same stems",
  rank: 1,
  patterns: (phase) => [
    ...twoFolders(phase).map(([a, b]) => `${a}/**/x.* with ${b}/**/x.*`),
    "A/**/x.* with B/**/x.* where there are no phases",
  ],
  phases(pictures) {
    const tops = topFolders(pictures);
    const beside = tops.filter((top) => /.A$/.test(top)).map((top) => top.slice(0, -1));
    const within = topFolders(below(pictures, "A")).filter(isPhaseName);
    return [...new Set([...beside, ...tops, ...within])].filter((phase) =>
      twoFolders(phase).some((sides) => sides.every((folder) => below(pictures, folder).length > 0)),
    );
  },
  find(pictures, phase) {
    const flat = folders.phases(pictures).length === 0;
    for (const sides of [...twoFolders(phase), ...(flat ? [["A", "B"] as const] : [])]) {
      const [a, b] = [below(pictures, sides[0]), below(pictures, sides[1])];
      if (a.length + b.length === 0) continue;
      const place = `${sides[0]}/ and ${sides[1]}/`;
      const matched = match(byStem(a, sides[0]), byStem(b, sides[1]), `${sides[0]}/`, `${sides[1]}/`);
      return { place, ...matched, likely: true, ofPhase: sides[0] !== "A" };
    }
    return undefined;
  },
};

/** The layout of the CMP Facade Database: a photo x.jpg (A) and its label map x.png (B) side by side. */
export const cmp: Layout = {
  help: "photo x.jpg (A) beside its labels x.png (B)",
  rank: 2,
  patterns: (phase) => [
    `${phase}/**/x.jpg with x.png`,
    "x.jpg with x.png, or base/x.jpg with base/x.png, where there are no folders train, val, test",
  ],
  phases: (pictures) => phaseFolders(pictures).filter((phase) => cmp.find(pictures, phase)?.likely),
  find(pictures, phase) {
    const base = below(pictures, "base");
    const place =
      phasePlace(pictures, phase) ??
      (base.length > 0 && !topFolders(pictures).some(isPhaseName)
        ? { folder: "base/", pictures: base, ofPhase: false }
        : undefined);
    if (!place) return undefined;
    const photos = place.pictures.filter((path) => ["jpg", "jpeg"].includes(endingOf(path)));
    const labels = place.pictures.filter((path) => endingOf(path) === "png");
    if (photos.length === 0 || labels.length === 0) return undefined;
    const matched = match(byStem(photos, place.folder), byStem(labels, place.folder), place.folder, place.folder);
    const stems = new Set(place.pictures.map(stemOf)).size;
    return { ...found(place), ...matched, likely: matched.pairs.length * 2 > stems };
  },
};

/** Plain pictures; the network learns the colours from the lightness. */
export const colorization: Layout = {
  help: "plain pictures: A is their lightness (1 channel), B their colours (2 channels, a and b of CIELAB)",
  derive: { A: "L", B: "ab" },
  ...plain(),
};

/** Plain pictures; the network learns to fill in the centre. */
export const inpainting: Layout = {
  help: "plain pictures: A is the picture with a white square of half its size in the centre, B the picture",
  derive: { A: "masked" },
  ...plain(),
};

/** Pictures without targets, which cannot be trained on. */
export const single: Layout = {
  help: "plain pictures without targets, for inspect; translate takes them without a layout",
  derive: { B: "absent" },
  ...plain(),
};

/** A layout in which each picture is one pair. */
function plain(): Pick<Layout, "rank" | "patterns" | "phases" | "find"> {
  return {
    rank: 4,
    patterns: (phase) => aligned.patterns(phase),
    phases: (pictures) => phaseFolders(pictures),
    find(pictures, phase) {
      const found = aligned.find(pictures, phase);
      const pairs = found?.pairs.map(({ name, A: { file } }): Pair => ({ name, A: { file }, B: { file } }));
      return found && pairs && { ...found, pairs, likely: false };
    },
  };
}

interface Place {
  /** "" or a path with a slash at its end. */
  folder: string;
  /** Relative to the folder. */
  pictures: string[];
  ofPhase: boolean;
}

function found({ folder, ofPhase }: Place): { place: string; ofPhase: boolean } {
  return { place: folder, ofPhase };
}

/** <phase>/ if it holds pictures; otherwise the dataroot, if it holds pictures and no folder has the name of a phase. */
function phasePlace(pictures: readonly string[], phase: string): Place | undefined {
  const inPhase = below(pictures, phase);
  if (inPhase.length > 0) return { folder: `${phase}/`, pictures: inPhase, ofPhase: true };
  const here = direct(pictures);
  if (here.length === 0 || topFolders(pictures).some(isPhaseName)) return undefined;
  return { folder: "", pictures: here, ofPhase: false };
}

/** Folders that a user may have meant as phases: all that hold pictures, or only the usual names beside loose pictures. */
function phaseFolders(pictures: readonly string[]): string[] {
  const tops = topFolders(pictures);
  return direct(pictures).length === 0 ? tops : tops.filter(isPhaseName);
}

function twoFolders(phase: string): (readonly [string, string])[] {
  return [
    [`${phase}A`, `${phase}B`],
    [`${phase}/A`, `${phase}/B`],
    [`A/${phase}`, `B/${phase}`],
  ];
}

/** Pairs of equal stems, sorted by A's path, and the pictures without a partner. */
function match(a: Map<string, string>, b: Map<string, string>, folderA: string, folderB: string) {
  const pairs: Pair[] = [];
  const onlyA: string[] = [];
  for (const [name, path] of a) {
    const partner = b.get(name);
    if (partner === undefined) onlyA.push(folderA + path);
    else pairs.push({ name, A: { file: folderA + path }, B: { file: folderB + partner } });
  }
  const onlyB = [...b].filter(([name]) => !a.has(name)).map(([, path]) => folderB + path);
  return { pairs, onlyA, onlyB };
}
