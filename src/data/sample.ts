/** Checks a few pairs before training, for shapes that aligned pairs seldom have, blank pictures, and channels that would be lost. */
import { DatasetError, UserError } from "../errors.ts";
import type { DeepPicture, Files, Images } from "../platform.ts";
import { contentNotes } from "./content.ts";
import { checkLabelMaps } from "./label-maps.ts";
import type { Side } from "./layouts.ts";
import type { DatasetMode, FoundPairs, Pair } from "./pairs.ts";
import { type SideOptions, sideNames } from "./sides.ts";
import { halves, oddWidth } from "./transforms.ts";

interface Access {
  files: Files;
  images: Images;
}

/** The options of a training that a sample is checked against. */
export interface SampleOptions extends SideOptions {
  skipBadImages: boolean;
}

/**
 * The ratio of width to height from which `auto` takes a picture as an aligned pair without a note. Below it the picture may
 * be a plain photo, which has up to 16:9 (1.78).
 */
const alignedRatio = 1.9;

/** Pairs in the sample. */
const sampleSize = 8;

/** `count` of the items, evenly spaced, the first among them; all where there are fewer. */
export function evenlySpaced<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]!);
}

/**
 * Notes for the user about a data set, from a sample of its pairs. Files that cannot be read are left out.
 * @throws DatasetError for pictures that `auto` took as aligned pairs and that are not wider than high, for an odd width of an
 *   aligned picture unless bad pictures are left out, and for label maps (`inputLabels`) as `checkLabelMaps`, which looks at more of them
 */
export async function sampleNotes(
  { layout, pairs }: Pick<FoundPairs, "layout" | "pairs">,
  options: SampleOptions,
  { files, images }: Access,
): Promise<string[]> {
  const remembered = remember({ files, images });
  const sample = evenlySpaced(pairs, sampleSize);
  const notes: string[] = [];
  if (layout === "aligned") notes.push(...(await shapeNotes(sample, options, remembered)));
  notes.push(...(await sameNotes(sample, remembered)));
  const [input, target] = sideNames(options);
  const content = await contentNotes(sample, remembered);
  if (options.inputLabels === undefined) {
    notes.push(...content);
    notes.push(...(await channelNotes(sample, input, { flag: "--input-nc", channels: options.inputNc }, remembered)));
  } else {
    notes.push(...(await checkLabelMaps(pairs, options, { files, images })));
    // Label maps would count as nearly blank, because class numbers are small.
    notes.push(...content.filter((note) => !note.startsWith(`side ${input} is `)));
  }
  notes.push(...(await channelNotes(sample, target, { flag: "--output-nc", channels: options.outputNc }, remembered)));
  return notes;
}

/** Access that reads each file once and decodes each picture once, with its alpha. */
function remember({ files, images }: Access): Access {
  const known = new Map<string, Promise<Uint8Array>>();
  const decoded = new WeakMap<Uint8Array, Promise<DeepPicture>>();
  const read = (path: string) => {
    const bytes = known.get(path) ?? files.read(path);
    known.set(path, bytes);
    return bytes;
  };
  const decodeDeep = (bytes: Uint8Array) => {
    const picture = decoded.get(bytes) ?? (images.decodeDeep ?? images.decode).call(images, bytes, { alpha: true });
    decoded.set(bytes, picture);
    return picture;
  };
  return { files: { ...files, read }, images: { ...images, decodeDeep } };
}

/** The picture; undefined where it cannot be read. */
async function pictureOf(file: string, { files, images }: Access): Promise<DeepPicture | undefined> {
  try {
    return await images.decodeDeep!(await files.read(file));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function shapeNotes(
  sample: readonly Pair[],
  { datasetMode, skipBadImages }: SampleOptions,
  access: Access,
): Promise<string[]> {
  const shapes = await shapesOf(sample, access);
  const odd = shapes.find(({ width }) => width % 2 !== 0);
  if (odd && !skipBadImages) throw new DatasetError(`${odd.file}: ${oddWidth(odd)}.`);
  const notes = datasetMode === "auto" ? halvesNotes(shapes) : [];
  if (notes.length === 0) return [];
  const { file, width, height } = shapes[0]!;
  if (shapes.every((shape) => shape.width <= shape.height)) {
    throw new DatasetError(
      `${file} is ${width}x${height}: pictures that are not wider than high are unlikely to hold A left and B right, and ` +
        `would be cut into two halves of ${halfOf(shapes[0]!)}. ${separate} If they are pairs, give --dataset-mode aligned.`,
    );
  }
  return notes;
}

interface Shape {
  file: string;
  width: number;
  height: number;
}

/** The sizes of the files of side A; those that cannot be read are left out. */
async function shapesOf(sample: readonly Pair[], access: Access): Promise<Shape[]> {
  const shapes: Shape[] = [];
  for (const { A } of sample) {
    const picture = await pictureOf(A.file, access);
    if (picture) shapes.push({ file: A.file, width: picture.width, height: picture.height });
  }
  return shapes;
}

const separate = "Pictures of A and B that are separate files belong in two folders, A and B (or trainA and trainB).";
const halfOf = ({ width, height }: Shape) => `${Math.floor(width / 2)}x${height}`;

/** One note where at least half of the pictures have the shape of plain photos. */
function halvesNotes(shapes: readonly Shape[]): string[] {
  const narrow = shapes.filter(({ width, height }) => width < alignedRatio * height);
  const [first] = narrow;
  if (!first || 2 * narrow.length < shapes.length) return [];
  const { file, width, height } = first;
  return [
    `each picture is taken as two halves, A left and B right (${file}: ${width}x${height} as two of ${halfOf(first)}). ${separate} ` +
      "If they are pairs, give --dataset-mode aligned, and this note no longer appears.",
  ];
}

/**
 * One note where `auto` took pictures as aligned pairs that have the shape of plain photos. `sampleNotes` returns it, too, and throws
 * where no picture is wider than high.
 */
export async function plainNotes(
  { layout, pairs }: Pick<FoundPairs, "layout" | "pairs">,
  datasetMode: DatasetMode,
  access: Access,
): Promise<string[]> {
  if (datasetMode !== "auto" || layout !== "aligned") return [];
  return halvesNotes(await shapesOf(evenlySpaced(pairs, sampleSize), remember(access)));
}

/** One note where the two sides of pairs are the same picture, and not of one colour, which has a note of its own. */
async function sameNotes(sample: readonly Pair[], access: Access): Promise<string[]> {
  const same: string[] = [];
  for (const { A, B } of sample) {
    if (A.derive || B.derive || (A.file === B.file && A.half === B.half)) continue;
    const [a, b] = [await sidePicture(A, access), await sidePicture(B, access)];
    if (a && b && isSame(a, b) && a.data.some((value, i) => i >= a.channels && value !== a.data[i - a.channels])) {
      same.push(A.file);
    }
  }
  if (same.length === 0) return [];
  return [
    `A and B are the same picture in ${same.length} of ${sample.length} sampled pairs (${same.slice(0, 2).join(", ")}` +
      `${same.length > 2 ? ", ..." : ""}): from these the network learns to copy its input. Were the files of one side copied from the other?`,
  ];
}

/** The picture of a side; undefined where it cannot be read, or has no halves. */
async function sidePicture({ file, half }: Side, access: Access): Promise<DeepPicture | undefined> {
  const picture = await pictureOf(file, access);
  if (!picture || !half) return picture;
  return picture.width % 2 === 0 ? halves(picture, file)[half] : undefined;
}

function isSame(a: DeepPicture, b: DeepPicture): boolean {
  const { width, height, channels, data } = a;
  if (width !== b.width || height !== b.height || channels !== b.channels) return false;
  return data.every((value: number, i: number) => value === b.data[i]);
}

/** Notes where a side has colours or transparency that its channels drop, or has no transparency although a channel is for it. */
async function channelNotes(
  sample: readonly Pair[],
  side: "A" | "B",
  { flag, channels }: { flag: string; channels: number },
  access: Access,
): Promise<string[]> {
  const transparent: string[] = [];
  const coloured: string[] = [];
  let [read, withAlpha] = [0, 0];
  for (const pair of sample) {
    const { file, derive } = pair[side];
    const picture = derive ? undefined : await pictureOf(file, access);
    if (!picture || picture.bands || picture.channels > 4) continue;
    read++;
    if (picture.channels % 2 === 0) withAlpha++;
    if (isTransparent(picture)) transparent.push(file);
    if (isColoured(picture)) coloured.push(file);
  }
  if (read === 0 || channels > 4) return [];
  const some = (files: string[]) =>
    `in ${files.length} of ${read} sampled pairs (${files.slice(0, 2).join(", ")}${files.length > 2 ? ", ..." : ""})`;
  const notes: string[] = [];
  if (channels % 2 === 1 && transparent.length > 0) {
    notes.push(
      `side ${side} has transparency ${some(transparent)}, which ${flag} ${channels} leaves out; ${flag} ${channels + 1} keeps it`,
    );
  }
  if (channels % 2 === 0 && withAlpha === 0) {
    notes.push(
      `none of ${read} sampled pictures of side ${side} has transparency, so the last channel of ${flag} ${channels} is ` +
        `opaque everywhere; ${flag} ${channels - 1} leaves it out`,
    );
  }
  if (channels < 3 && coloured.length > 0) {
    notes.push(`side ${side} is in colour ${some(coloured)}, which ${flag} ${channels} turns to grey`);
  }
  return notes;
}

function isTransparent({ data, channels }: DeepPicture): boolean {
  if (channels % 2 === 1 || data instanceof Float32Array) return false;
  const opaque = data instanceof Uint16Array ? 65535 : 255;
  for (let i = channels - 1; i < data.length; i += channels) if (data[i]! < opaque) return true;
  return false;
}

function isColoured({ data, channels }: DeepPicture): boolean {
  if (channels < 3) return false;
  for (let i = 0; i < data.length; i += channels) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return true;
  }
  return false;
}
