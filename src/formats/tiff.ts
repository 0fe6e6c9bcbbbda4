/**
 * Recognises forms of TIFF that decoders read in different ways or to wrong values, so that they can be refused with a
 * reason. Tags are those of TIFF 6.0, of Adobe's technical notes and of BigTIFF.
 */

/** The tags of the first picture that say how its values are stored, with their defaults. */
interface Form {
  bits: number;
  compression: number;
  photometric: number;
  /** 1 whole numbers, 2 with sign, 3 floats, 5 and 6 complex. */
  sampleFormat: number;
  /** 1 to 8, as in `upright`. */
  orientation: number;
}

const tags: ReadonlyMap<number, keyof Form> = new Map([
  [258, "bits"],
  [259, "compression"],
  [262, "photometric"],
  [274, "orientation"],
  [339, "sampleFormat"],
]);

/** Photometric interpretations. */
const [separated, ycbcr, cieLab, iccLab, ituLab] = [5, 6, 8, 9, 10];

const compressions: ReadonlyMap<number, string> = new Map([
  [34887, "LERC"],
  [34925, "LZMA"],
  [50000, "Zstandard"],
  [50001, "WebP"],
  [50002, "JPEG XL"],
]);

const isTiff = (bytes: Uint8Array): boolean =>
  (bytes[0] === 0x49 && bytes[1] === 0x49 && (bytes[2] === 42 || bytes[2] === 43) && bytes[3] === 0) ||
  (bytes[0] === 0x4d && bytes[1] === 0x4d && bytes[2] === 0 && (bytes[3] === 42 || bytes[3] === 43));

/** Bytes of a file from a place on; fewer where it ends. */
export type BytesAt = (at: number, length: number) => Uint8Array;

/** Why a TIFF is refused, as a clause without a full stop; undefined for one that can be read, and for a damaged one. */
export function unreadTiff(bytes: Uint8Array | BytesAt): string | undefined {
  const read: BytesAt = typeof bytes === "function" ? bytes : (at, length) => bytes.subarray(at, at + length);
  const form = isTiff(read(0, 4)) ? formOf(read) : undefined;
  if (!form) return undefined;
  const { bits, compression, photometric, sampleFormat } = form;
  const instead = "save it as PNG";
  if (sampleFormat === 3 && bits !== 32) return `a TIFF of ${bits}-bit floats; 32-bit floats in [-1, 1] are read`;
  if (sampleFormat === 2) return `a TIFF of whole numbers with a sign (${bits} bits); ${instead}`;
  if (sampleFormat > 3) return `a TIFF of complex numbers; ${instead}`;
  if (sampleFormat !== 3 && bits > 16) return `a TIFF of whole numbers of ${bits} bits; 8 and 16 bits are read`;
  if ([cieLab, iccLab, ituLab].includes(photometric!)) return `a TIFF in L*a*b*; ${instead}`;
  if (photometric === separated && bits > 8) return `a CMYK TIFF of ${bits} bits; ${instead}`;
  if (photometric === ycbcr && compression !== 6 && compression !== 7) {
    return `a TIFF in YCbCr without JPEG compression; ${instead}`;
  }
  const name = compressions.get(compression);
  return name && `a TIFF with ${name} compression; ${instead}`;
}

/** The orientation that a TIFF states, or the TIFF inside EXIF data; 1 for one that states none or none of 1 to 8, and for a damaged one. */
export function orientationIn(bytes: Uint8Array): number {
  const form = isTiff(bytes) ? formOf((at, length) => bytes.subarray(at, at + length)) : undefined;
  const stated = form?.orientation ?? 1;
  return stated >= 1 && stated <= 8 ? stated : 1;
}

/** How the numbers of a file are written. */
interface Numbers {
  little: boolean;
  /** BigTIFF: offsets of 64 bits. */
  big: boolean;
}

const numbersOf = (head: Uint8Array): Numbers => ({
  little: head[0] === 0x49,
  big: (head[0] === 0x49 ? head[2] : head[3]) === 43,
});

/** Reads numbers from bytes. @throws RangeError past their end */
function numbersIn(bytes: Uint8Array, { little, big }: Numbers) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = (at: number) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  return { word: (at: number) => view.getUint16(at, little), offset };
}

/** More entries than a directory has. */
const mostEntries = 1000;
/** The bytes of a directory, at most. */
export const directoryBytes = 8 + 20 * mostEntries;

/**
 * Where the first directory begins.
 * @param head the first 16 bytes of a file, or more
 * @returns undefined for a file that is no TIFF, and for one that ends before
 */
export function directoryStart(head: Uint8Array): number | undefined {
  if (!isTiff(head)) return undefined;
  const numbers = numbersOf(head);
  const at = numbers.big ? 8 : 4;
  return head.length < 2 * at ? undefined : numbersIn(head, numbers).offset(at);
}

/** The values of the tags of a directory that are asked for, or where they stand. */
interface Entry {
  key: keyof Form;
  /** The value, or the first of several. */
  value?: number;
  /** Its place in the file, where it does not stand in the directory. */
  at?: number;
}

/** @throws RangeError where the directory ends before its last entry */
function* entriesOf(directory: Uint8Array, numbers: Numbers): Generator<Entry, void, void> {
  const { word, offset } = numbersIn(directory, numbers);
  const count = numbers.big ? offset(0) : word(0);
  const [first, length] = numbers.big ? [8, 20] : [2, 12];
  for (let i = 0; i < Math.min(count, mostEntries); i++) {
    const at = first + i * length;
    const key = tags.get(word(at));
    if (!key) continue;
    // All these tags are lists of 16-bit numbers, which stand in the entry itself where they fit.
    const inside = offset(at + 4) * 2 <= (numbers.big ? 8 : 4);
    const place = at + (numbers.big ? 12 : 8);
    yield inside ? { key, value: word(place) } : { key, at: offset(place) };
  }
}

/**
 * The compression of the first picture.
 * @param head the first bytes of the file
 * @param directory its first directory: `directoryBytes` from `directoryStart` on, or fewer
 * @returns undefined where the directory ends before it says it
 */
export function compressionIn(head: Uint8Array, directory: Uint8Array): number | undefined {
  return unlessCut(() => {
    for (const { key, value } of entriesOf(directory, numbersOf(head))) if (key === "compression") return value;
    return 1;
  });
}

/** Undefined where the file ends before its first directory does. */
function formOf(read: BytesAt): Form | undefined {
  const head = read(0, 16);
  const numbers = numbersOf(head);
  const start = directoryStart(head);
  return unlessCut(() => {
    if (start === undefined) return undefined;
    const form: Form = { bits: 1, compression: 1, photometric: 1, sampleFormat: 1, orientation: 1 };
    for (const { key, value, at } of entriesOf(read(start, directoryBytes), numbers)) {
      form[key] = value ?? numbersIn(read(at!, 2), numbers).word(0);
    }
    return form;
  });
}

/** Undefined where bytes end before what is read from them. */
function unlessCut<T>(reading: () => T): T | undefined {
  try {
    return reading();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
