/**
 * Layouts: the arrangements of pairs on a disk. Each export of this file is a choice of `--dataset-mode`. A new layout
 * needs one export here; types aside, nothing else may be exported.
 *
 * A layout reads the pictures' paths (relative to the dataroot) and finds the pairs. `auto` tries the layouts in the order
 * of `rank` and takes the first whose pairs are `likely`.
 */
import { DatasetError } from "../errors.ts";
import type { Derive } from "./derivations.ts";
import {
  below,
  byCodeUnit,
  byStem,
  direct,
  endingOf,
  foldersOfOneSet,
  isPhaseName,
  stemOf,
  topFolders,
  withoutEnds,
} from "./listing.ts";

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
  /** The file of the instance map, where the run takes them (instances.ts). */
  instances?: string;
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
    const { folder, pictures: paths, ofPhase } = place;
    const stems = paths.map(stemOf).sort(byCodeUnit);
    const shared = new Set(stems.filter((stem, i) => stem === stems[i + 1]));
    const pairs = paths.map((path): Pair => {
      const file = folder + path;
      const stem = stemOf(path);
      return { name: shared.has(stem) ? path : stem, A: { file, half: "left" }, B: { file, half: "right" } };
    });
    return { place: folder, ofPhase, pairs, onlyA: [], onlyB: [], likely: !foldersOfOneSet(paths) };
  },
};

/**
 * Two folders; pictures of the same stem are a pair, whatever their endings. An end that all stems of a side share, such as
 * _labelIds and _leftImg8bit of Cityscapes, does not count where no stem is on both sides. Names of folders match in upper and lower
 * case. Or one folder for each pair, with a picture called A and one called B.
 */
export const folders: Layout = {
  help: "two folders A and B (or trainA and trainB, train_label and train_img), same stems",
  rank: 1,
  patterns: (phase) => [
    ...twoFolders(phase).map(([a, b]) => `${a}/**/x.* with ${b}/**/x.*`),
    "A/**/x.* with B/**/x.* where there are no phases",
    `${phase}/**/x/A.* with ${phase}/**/x/B.*`,
  ],
  phases(pictures) {
    const known = folderNames(pictures);
    const tops = topFolders(pictures);
    const beside = tops.flatMap((top) => /^(.+?)(?:_?A|_label)$/i.exec(top)?.[1] ?? []);
    const within = topFolders(below(pictures, known("A") ?? "A")).filter(isPhaseName);
    const twice = [...new Set([...beside, ...tops, ...within])].filter((phase) =>
      twoFolders(phase).some((sides) => sides.every((folder) => known(folder) !== undefined)),
    );
    return twice.length > 0 ? twice : tops.filter((top) => sidesInside(below(pictures, top)));
  },
  find(pictures, phase) {
    const known = folderNames(pictures);
    const flat = folders.phases(pictures).length === 0;
    for (const sides of [...twoFolders(phase), ...(flat ? [["A", "B"] as const] : [])]) {
      const [folderA, folderB] = [known(sides[0]), known(sides[1])];
      if (folderA === undefined && folderB === undefined) continue;
      const [a, b] = [folderA ?? sides[0], folderB ?? sides[1]];
      const stems = withoutEnds(byStem(below(pictures, a), a), byStem(below(pictures, b), b));
      const matched = match(...stems, `${a}/`, `${b}/`);
      return { place: `${a}/ and ${b}/`, ...matched, likely: true, ofPhase: sides[0] !== "A" };
    }
    return folderForEach(pictures, phase);
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
    const { folder, pictures: paths, ofPhase } = place;
    const photos = paths.filter((path) => ["jpg", "jpeg"].includes(endingOf(path)));
    const labels = paths.filter((path) => endingOf(path) === "png");
    if (photos.length === 0 || labels.length === 0) return undefined;
    const matched = match(byStem(photos, folder), byStem(labels, folder), folder, folder);
    const stems = new Set(paths.map(stemOf)).size;
    return { place: folder, ofPhase, ...matched, likely: matched.pairs.length * 2 > stems };
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

/** <phase>/ if it holds pictures; otherwise the dataroot, if it holds pictures and no folder has the name of a phase. */
function phasePlace(pictures: readonly string[], phase: string): Place | undefined {
  const inPhase = below(pictures, phase);
  if (inPhase.length > 0) return { folder: `${phase}/`, pictures: inPhase, ofPhase: true };
  const here = direct(pictures);
  if (here.length === 0 || topFolders(pictures).some(isPhaseName)) return undefined;
  return { folder: "", pictures: here, ofPhase: false };
}

/** Folders that may be phases: all that hold pictures; if the dataroot itself holds pictures, only those with the name of a phase. */
function phaseFolders(pictures: readonly string[]): string[] {
  const tops = topFolders(pictures);
  return direct(pictures).length === 0 ? tops : tops.filter(isPhaseName);
}

/** Folders of the two sides. Those with an underscore are pix2pixHD's. */
function twoFolders(phase: string): (readonly [string, string])[] {
  return [
    [`${phase}A`, `${phase}B`],
    [`${phase}_A`, `${phase}_B`],
    [`${phase}_label`, `${phase}_img`],
    [`${phase}/A`, `${phase}/B`],
    [`A/${phase}`, `B/${phase}`],
  ];
}

/** A function that looks up a folder with pictures, at most two levels deep, in any case, and returns its name as on the disk. */
function folderNames(pictures: readonly string[]): (folder: string) => string | undefined {
  const names = new Set<string>();
  for (const path of pictures) {
    const first = path.indexOf("/");
    if (first < 0) continue;
    names.add(path.slice(0, first));
    const second = path.indexOf("/", first + 1);
    if (second >= 0) names.add(path.slice(0, second));
  }
  const anyCase = new Map([...names].reverse().map((name) => [name.toLowerCase(), name]));
  return (folder) => (names.has(folder) ? folder : anyCase.get(folder.toLowerCase()));
}

/** "A" or "B" for a picture in a folder that is called so, in any case; undefined for other names. */
function sideOfFile(path: string): string | undefined {
  return /[^/]\/([AB])\.[^./]+$/i.exec(`/${path}`)?.[1]?.toUpperCase();
}

/** Whether all pictures lie in folders and are called A or B. */
function sidesInside(pictures: readonly string[]): boolean {
  return pictures.length > 0 && pictures.every((path) => sideOfFile(path) !== undefined);
}

/** One folder for each pair: train/x/A.png with train/x/B.png. */
function folderForEach(pictures: readonly string[], phase: string): Found | undefined {
  const inPhase = below(pictures, phase);
  const phases = topFolders(pictures).some(isPhaseName);
  const [place, all] = inPhase.length > 0 ? [`${phase}/`, inPhase] : ["", phases ? [] : pictures];
  if (!sidesInside(all)) return undefined;
  const ofSide = (side: string) => {
    const paths = all.filter((path) => sideOfFile(path) === side);
    const byFolder = new Map<string, string>();
    for (const path of paths) {
      const folder = path.slice(0, path.lastIndexOf("/"));
      const other = byFolder.get(folder);
      if (other !== undefined) throw ambiguous(place + folder, side, [other, path]);
      byFolder.set(folder, path);
    }
    return byFolder;
  };
  return { place, ...match(ofSide("A"), ofSide("B"), place, place), likely: true, ofPhase: place !== "" };
}

function ambiguous(folder: string, side: string, [first, second]: readonly [string, string]): DatasetError {
  return new DatasetError(
    `${folder} has two pictures of side ${side}: ${first} and ${second}, so it is not clear which one belongs to the ` +
      "pair. Move one of them away.",
  );
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
