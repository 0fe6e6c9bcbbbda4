/** Finds pictures that are no use as they are: blank ones, and label maps of class numbers that would be read as colours. */
import { UserError } from "../errors.ts";
import type { DeepPicture, Files, Images } from "../platform.ts";
import { withoutClass } from "./labels.ts";
import type { Pair, Side } from "./layouts.ts";
import { eightBit, halves } from "./transforms.ts";

/**
 * classes: a label map whose values are class numbers and no colours; flat: one flat colour; narrow: all values lie in a
 * sixteenth of the range.
 */
export type ContentKind = "classes" | "flat" | "narrow";

export interface ContentFault {
  kind: ContentKind;
  /** What the picture is, as a clause that continues "side A is". */
  text: string;
  /** The largest class number, for `classes`. */
  largest?: number;
}

/** A picture is flat if fewer than this share of its pixels differ from its commonest colour. A range may leave out this share. */
const fewPixels = 0.002;
/** Two colours differ if a channel differs by more than this, of 255. */
const sameColour = 4;
/** A range of values is narrow below this share of the whole range. */
const narrowPart = 1 / 16;
/** Class numbers are below this. */
const mostClasses = 64;
/** In a label map at least this share of the pixels has another number than the commonest. */
const smallestRest = 0.01;
/** In a label map at least this share of the pixels has the value of its left neighbour; in noise it is smaller. */
const inAreas = 0.7;
/**
 * In a label map of more than 4 classes, at most this share of the pixels that differ from their left neighbour differ by 1.
 * In a dark photograph with smooth gradients nearly all of them do.
 */
const smallSteps = 0.8;

/**
 * The share of the pixels whose colour differs from the picture's commonest colour by more than 4 of 255 in a channel.
 * Alpha does not count.
 */
export function offCommonest(picture: DeepPicture): number {
  const { data, channels, width, height } = eightBit(picture);
  const [g, b] = channels < 3 ? [0, 0] : [1, 2];
  // Cells of 8 levels: the commonest colour is the mean of the fullest cell.
  const cells = new Uint32Array(32 ** 3);
  const cellOf = (i: number) => ((data[i]! >> 3) << 10) | ((data[i + g]! >> 3) << 5) | (data[i + b]! >> 3);
  for (let i = 0; i < data.length; i += channels) cells[cellOf(i)]!++;
  let fullest = 0;
  for (let cell = 1; cell < cells.length; cell++) if (cells[cell]! > cells[fullest]!) fullest = cell;
  let [red, green, blue] = [0, 0, 0];
  for (let i = 0; i < data.length; i += channels) {
    if (cellOf(i) !== fullest) continue;
    red += data[i]!;
    green += data[i + g]!;
    blue += data[i + b]!;
  }
  const differs = (value: number, sum: number) => Math.abs(value - sum / cells[fullest]!) > sameColour;
  let different = 0;
  for (let i = 0; i < data.length; i += channels) {
    if (differs(data[i]!, red) || differs(data[i + g]!, green) || differs(data[i + b]!, blue)) different++;
  }
  return different / (width * height);
}

/** What is wrong with the content of a picture; undefined for most pictures. */
export function contentFault(picture: DeepPicture): ContentFault | undefined {
  const classes = largestClass(picture);
  if (classes !== undefined) {
    const full = picture.data instanceof Uint16Array ? 65535 : 255;
    const text = `a map of the numbers 0 to ${classes} (of ${full}), which look like class numbers and not like colours`;
    return { kind: "classes", text, largest: classes };
  }
  const busy = offCommonest(picture);
  const range = picture.bands ? undefined : narrowRange(picture);
  const narrow = range && `the values ${range.from} to ${range.to} of ${range.full}`;
  if (busy < fewPixels) {
    const rest = busy === 0 ? "" : ` but for ${(100 * busy).toFixed(2)} % of it`;
    const deep = narrow && range.full > 255 && range.from !== range.to ? `, with ${narrow}` : "";
    return { kind: "flat", text: `one flat colour${rest}${deep}` };
  }
  return narrow ? { kind: "narrow", text: `nearly blank: it uses only ${narrow}` } : undefined;
}

/** The largest class number where all values look like such numbers. */
function largestClass({ data, channels, width, bands }: DeepPicture): number | undefined {
  if (bands || data instanceof Float32Array) return undefined;
  const colours = channels < 3 ? 1 : 3;
  const counts = new Map<number, number>();
  let [repeated, small, pixels] = [0, 0, 0];
  for (let i = 0; i < data.length; i += channels, pixels++) {
    const value = data[i]!;
    if (value >= mostClasses && !withoutClass.includes(value)) return undefined;
    for (let c = 1; c < colours; c++) if (data[i + c] !== value) return undefined;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (pixels % width === 0) continue;
    const step = Math.abs(data[i - channels]! - value);
    if (step === 0) repeated++;
    else if (step === 1) small++;
  }
  const classes = [...counts.keys()].filter((value) => value < mostClasses);
  const commonest = Math.max(...counts.values());
  const smooth = classes.length > 4 && small > smallSteps * (pixels - repeated);
  const map =
    !smooth && classes.length >= 2 && repeated >= inAreas * pixels && commonest <= (1 - smallestRest) * pixels;
  return map ? Math.max(...classes) : undefined;
}

/** The range that holds nearly all values, where it is narrow. */
function narrowRange({ data, channels }: DeepPicture): { from: number; to: number; full: number } | undefined {
  if (data instanceof Float32Array) return undefined;
  const full = data instanceof Uint16Array ? 65535 : 255;
  const counts = new Uint32Array(full + 1);
  const alpha = channels % 2 === 0 ? channels - 1 : -1;
  for (let c = 0; c < channels; c++) {
    if (c !== alpha) for (let i = c; i < data.length; i += channels) counts[data[i]!]!++;
  }
  const aside = (fewPixels / 2) * (data.length / channels) * (alpha < 0 ? channels : channels - 1);
  let [from, to] = [0, full];
  for (let sum = counts[from]!; sum <= aside; sum += counts[from]!) from++;
  for (let sum = counts[to]!; sum <= aside; sum += counts[to]!) to--;
  return to - from < narrowPart * full ? { from, to, full } : undefined;
}

/**
 * Notes about the content of a sample of pairs: at most one for each side and kind of fault. Files that cannot be read are
 * left out.
 * @param sample with complete paths, as `findPairs` returns them
 * @returns for example "side A is one flat colour in 3 of 16 sampled pairs (data/trainA/1.png, ...): the network learns nothing from it"
 */
export async function contentNotes(
  sample: readonly Pair[],
  { files, images }: { files: Files; images: Images },
): Promise<string[]> {
  const found = new Map<string, { text: string; kind: ContentKind; side: string; files: string[] }>();
  for (const pair of sample) {
    for (const [side, { file, half, derive }] of [["A", pair.A] as const, ["B", pair.B] as const]) {
      if (derive === "absent" || (side === "B" && derive && file === pair.A.file)) continue;
      const fault = await faultOf({ file, ...(half && { half }) }, { files, images });
      if (!fault) continue;
      const key = `${side} ${fault.kind}`;
      const known = found.get(key) ?? { ...fault, side, files: [] };
      known.files.push(file);
      found.set(key, known);
    }
  }
  return [...found.values()].map(({ text, kind, side, files: paths }) => {
    const names = paths.slice(0, 2).join(", ") + (paths.length > 2 ? ", ..." : "");
    return `side ${side} is ${text} in ${paths.length} of ${sample.length} sampled pairs (${names}): ${contentAdvice[kind]}`;
  });
}

/** What to do about each kind of fault. */
const contentAdvice: Record<ContentKind, string> = {
  classes:
    "as an input give it a channel for each class by --input-labels; or give each class a colour far from the others, and " +
    "resize with --resize-filter nearest",
  flat: "the network learns nothing from it",
  narrow: "stretch the values to the whole range, because a network sees them as one flat colour",
};

async function faultOf(
  { file, half }: Side,
  { files, images }: { files: Files; images: Images },
): Promise<ContentFault | undefined> {
  try {
    const bytes = await files.read(file);
    const picture = await (images.decodeDeep ?? images.decode).call(images, bytes);
    return contentFault(half ? halves(picture, file)[half] : picture);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
