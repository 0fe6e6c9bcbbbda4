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
}

const tags: ReadonlyMap<number, keyof Form> = new Map([
  [258, "bits"],
  [259, "compression"],
  [262, "photometric"],
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

/** Undefined where the file ends before its first directory does. */
function formOf(read: BytesAt): Form | undefined {
  const little = read(0, 1)[0] === 0x49;
  const view = (at: number, length: number) => {
    const part = read(at, length);
    return new DataView(part.buffer, part.byteOffset, part.byteLength);
  };
  const word = (at: number) => view(at, 2).getUint16(0, little);
  const offset32 = (at: number) => view(at, 4).getUint32(0, little);
  const offset64 = (at: number) => Number(view(at, 8).getBigUint64(0, little));
  const form: Form = { bits: 1, compression: 1, photometric: 1, sampleFormat: 1 };
  try {
    const big = word(2) === 43;
    const offset = big ? offset64 : offset32;
    const start = offset(big ? 8 : 4);
    const count = big ? offset64(start) : word(start);
    const [first, length] = big ? [start + 8, 20] : [start + 2, 12];
    for (let i = 0; i < Math.min(count, 1000); i++) {
      const at = first + i * length;
      const key = tags.get(word(at));
      if (!key) continue;
      // All these tags are lists of 16-bit numbers, which stand in the entry itself where they fit.
      const numbers = offset(at + 4);
      const inside = numbers * 2 <= (big ? 8 : 4);
      const place = at + (big ? 12 : 8);
      form[key] = word(inside ? place : offset(place));
    }
    return form;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
