/** Which files a data set has after the sides of some of its pairs are exchanged. */
import type { Pair } from "../data/layouts.ts";
import { stemOf } from "../data/listing.ts";
import { nearest, UserError } from "../errors.ts";

/** A file to write; paths are relative to the two data sets. */
export interface ExchangedFile {
  from: string;
  to: string;
  /** Its halves are exchanged; otherwise it is copied as it is. */
  halves: boolean;
}

/**
 * The pairs that the user names by one of their files.
 * @throws UserError for a name that no pair has
 */
export function pairsNamed(pairs: readonly Pair[], names: readonly string[]): Pair[] {
  const byFile = new Map(pairs.flatMap((pair) => [pair.A, pair.B].map(({ file }) => [file, pair] as const)));
  return [
    ...new Set(
      names.map((name) => {
        const pair = byFile.get(name);
        if (pair) return pair;
        const near = nearest(name, [...byFile.keys()]);
        throw new UserError(
          `--pairs: no pair has the file ${name}; expected its path below the dataroot, as pix2pix data audit prints it` +
            (near ? `. Did you mean ${near}?` : ""),
        );
      }),
    ),
  ];
}

/**
 * The name of the PNG of a picture, which no other picture of the set has: x.png for x.jpg, or x.jpg.png.
 * @param taken all names so far; the new one is added
 */
function pngOf(file: string, taken: Set<string>): string {
  let name = `${stemOf(file)}.png`;
  if (name !== file && taken.has(name)) for (name = `${file}.png`; taken.has(name); name += ".png");
  taken.add(name);
  return name;
}

/**
 * Every picture of the set. In an exchanged pair of two files, each takes the folder and the stem of the other and keeps its ending. An
 * exchanged aligned picture becomes a PNG.
 * @param pictures all pictures of the set, those without a partner too @param exchanged pairs of these pictures
 */
export function exchangedFiles(pictures: readonly string[], exchanged: readonly Pair[]): ExchangedFile[] {
  const places = new Map<string, string>();
  const taken = new Set(pictures);
  for (const { A, B } of exchanged) {
    if (A.file === B.file) {
      places.set(A.file, pngOf(A.file, taken));
    } else {
      places.set(A.file, stemOf(B.file) + A.file.slice(stemOf(A.file).length));
      places.set(B.file, stemOf(A.file) + B.file.slice(stemOf(B.file).length));
    }
  }
  const cut = new Set(exchanged.filter(({ A, B }) => A.file === B.file).map(({ A }) => A.file));
  return pictures.map((from) => ({ from, to: places.get(from) ?? from, halves: cut.has(from) }));
}
