/**
 * Checks the label maps of a data set (--input-labels) and their instance maps before a training or a test begins. It looks for values that
 * are not class numbers, and for files whose compression changes numbers.
 */
import { DatasetError, UserError } from "../errors.ts";
import { type Slices, slicesOf } from "../formats/slices.ts";
import { type Storage, storageOf } from "../formats/storage.ts";
import type { DeepPicture, Files, Images } from "../platform.ts";
import { classNumbers, withoutClass } from "./labels.ts";
import type { Pair, Side } from "./layouts.ts";
import type { Direction } from "./sides.ts";
import { halves } from "./transforms.ts";

interface Access {
  files: Files;
  images: Images;
}

export interface LabelMapOptions {
  direction: Direction;
  inputLabels?: number | undefined;
}

interface LabelMap extends Side {
  storage: Storage;
}

/** The kinds of maps that G's input is computed from: what a number in them stands for, and the option that reads them. */
const kinds = {
  label: { of: "class", option: "--input-labels" },
  instance: { of: "object", option: "--input-instances" },
} as const;
type Kind = keyof typeof kinds;

/** Headers that are read at a time, and maps that are decoded at a time. */
const together = { headers: 16, maps: 4 };
/** At least this many maps are decoded, however long it takes. */
const fewest = 8;
/** Maps are decoded first if at most this share of the set is stored like them. */
const rare = 0.1;

/**
 * Looks at the headers of all label maps, and decodes as many of them as a second allows: first those that are stored otherwise than most,
 * then others, spread evenly over the set. Files that cannot be read are skipped; the code that reads them next reports them.
 * @param enough milliseconds after which no further maps are decoded; training checks each map when it reads it
 * @returns notes for the user
 * @throws DatasetError naming the first map with other values than class numbers, or the first label or instance map whose
 *   compression changes numbers
 */
export async function checkLabelMaps(
  pairs: readonly Pair[],
  { direction, inputLabels }: LabelMapOptions,
  access: Access,
  enough = 1000,
): Promise<string[]> {
  if (inputLabels === undefined) return [];
  const end = performance.now() + enough;
  const maps = await withStorage(
    pairs.map(({ A, B }) => (direction === "AtoB" ? A : B)),
    access,
  );
  refuseLossy(maps, "label");
  const instances = pairs.flatMap(({ instances: file }) => (file === undefined ? [] : [{ file }]));
  refuseLossy(await withStorage(instances, access), "instance");
  const order = rareFirst(maps);
  const seen = new Set<number>();
  const wrong = new Map<LabelMap, DatasetError>();
  let done = 0;
  const look = async (map: LabelMap) => {
    try {
      for (const value of await valuesOf(map, inputLabels, access)) seen.add(value);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      wrong.set(map, error);
    }
  };
  while (done < order.length && (done < fewest || performance.now() < end)) {
    const next = order.slice(done, done + together.maps);
    await Promise.all(next.map(look));
    done += next.length;
  }
  const first = maps.find((map) => wrong.has(map));
  if (!first) return maskNote(seen, done, maps);
  const { message } = wrong.get(first)!;
  const count = `${wrong.size} of the ${done} label maps that were looked at ${wrong.size === 1 ? "is" : "are"} wrong`;
  throw new DatasetError(done === 1 ? message : `${count}. ${message}`);
}

async function withStorage(sides: readonly Side[], { files }: Access): Promise<LabelMap[]> {
  const stored = async (file: string): Promise<Storage> => {
    try {
      return await storageOf(await readingOf(file, files));
    } catch (error) {
      if (error instanceof UserError) return { key: "" };
      throw error;
    }
  };
  const maps: LabelMap[] = [];
  for (let i = 0; i < sides.length; i += together.headers) {
    const some = sides.slice(i, i + together.headers);
    maps.push(...(await Promise.all(some.map(async (side) => ({ ...side, storage: await stored(side.file) })))));
  }
  return maps;
}

/** How to read parts of a file. */
async function readingOf(file: string, files: Files): Promise<Slices["read"]> {
  if (!files.readPart) return slicesOf(await files.read(file)).read;
  return (start, end) => files.readPart!(file, start, end);
}

function refuseLossy(maps: readonly LabelMap[], kind: Kind): void {
  const lossy = maps.filter(({ storage }) => storage.lossy);
  const [first] = lossy;
  if (!first) return;
  const which = `${first.file}${lossy.length > 1 ? ", ..." : ""}`;
  throw new DatasetError(
    `${lossy.length} of ${maps.length} ${kind} maps are ${first.storage.lossy}s (${which}), ${changed(kind)}`,
  );
}

/**
 * @param map a map that is translated alone: its bytes, or how to read them
 * @throws DatasetError where its compression changes numbers
 */
export async function refuseLossyMap(map: Uint8Array | Slices["read"], kind: Kind = "label"): Promise<void> {
  const { lossy } = await storageOf(map instanceof Uint8Array ? slicesOf(map).read : map);
  if (lossy) throw new DatasetError(`the ${kind} map is a ${lossy}, ${changed(kind)}`);
}

function changed(kind: Kind): string {
  const { of, option } = kinds[kind];
  return (
    `whose compression changes ${of} numbers: each changed number is another ${of}. ${option} expects the numbers as they were made: ` +
    "save them as PNG from their source. A PNG made from these files keeps the changed numbers."
  );
}

/** First the maps that are stored as few others are, then the rest; both in an order that soon reaches all parts of the set. */
function rareFirst(maps: readonly LabelMap[]): LabelMap[] {
  const counts = new Map<string, number>();
  for (const { storage } of maps) counts.set(storage.key, (counts.get(storage.key) ?? 0) + 1);
  const isRare = ({ storage }: LabelMap) => counts.get(storage.key)! <= rare * maps.length;
  const spread = spreadOrder(maps.length).map((i) => maps[i]!);
  return [...spread.filter(isRare), ...spread.filter((map) => !isRare(map))];
}

/** 0 to count - 1 in steps of about the golden section: any first few of them are spread evenly. */
function spreadOrder(count: number): number[] {
  const order = new Set<number>();
  for (let k = 0; k < count; k++) order.add(Math.floor(((k * 0.6180339887) % 1) * count));
  for (let i = 0; i < count; i++) order.add(i);
  return [...order];
}

/** The values of a label map, each once; none where it cannot be read. @throws DatasetError for values that are no class */
async function valuesOf(
  { file, half, storage }: LabelMap,
  labels: number,
  { files, images }: Access,
): Promise<Set<number>> {
  let picture: DeepPicture;
  try {
    picture = await (images.decodeDeep ?? images.decode).call(images, await files.read(file));
  } catch (error) {
    if (error instanceof UserError) return new Set();
    throw error;
  }
  if (half && picture.width % 2 !== 0) return new Set();
  try {
    return new Set(classNumbers(half ? halves(picture, file)[half] : picture, labels, file).data);
  } catch (error) {
    if (error instanceof DatasetError && storage.palette) throw new DatasetError(`${error.message} ${ofPalette}`);
    if (error instanceof DatasetError && storage.bits)
      throw new DatasetError(`${error.message} ${ofBits(storage.bits)}`);
    throw error;
  }
}

const ofPalette =
  "It is a PNG with a palette, whose colours are read and not its numbers: if these are the classes, save them as a grey PNG " +
  '(in Python: Image.fromarray(numpy.array(Image.open("x.png"))).save("new.png")).';

const ofBits = (bits: number) =>
  `It is a grey PNG of ${bits} ${bits === 1 ? "bit" : "bits"}, whose values are read as 0 to 255: save it with 8 bits.`;

/** A note about maps with one class only, such as masks of 0 and 255: 255 means no class. */
function maskNote(seen: ReadonlySet<number>, done: number, maps: readonly LabelMap[]): string[] {
  const classes = [...seen].filter((value) => !withoutClass.includes(value));
  if (classes.length > 1 || classes.length === seen.size) return [];
  const [first] = maps;
  return [
    `the ${done} label maps that were looked at (${first!.file}, ...) have no other values than ${[...seen].sort((a, b) => a - b).join(" and ")}, ` +
      `and ${Math.max(...seen)} means no class: give the classes the numbers 0, 1 and so on.`,
  ];
}
