/** How a picture is stored, by the headers of its file. */
import { isJpeg } from "./jpeg.ts";
import { isPng } from "./png.ts";
import type { Slices } from "./slices.ts";
import { compressionIn, directoryBytes, directoryStart } from "./tiff.ts";
import { isWebp } from "./webp.ts";

export interface Storage {
  /** Equal for files that are stored alike: the format, and for a PNG its bits and colour type. */
  key: string;
  /** The format, where compression changes values. */
  lossy?: "JPEG" | "WebP" | "JPEG-compressed TIFF";
  /** A PNG whose pixels are indices of a palette. */
  palette?: boolean;
  /** Bits of a grey PNG that has fewer than 8: a decoder scales its values to 0..255. */
  bits?: number;
}

/** The bytes [start, end) of a file, fewer where it ends. */
type Read = Slices["read"];

/** Of most formats the first 26 bytes are read; of WebP the header of each chunk before the picture, of TIFF its directory. */
export async function storageOf(read: Read): Promise<Storage> {
  const head = await read(0, 26);
  if (isPng(head)) {
    const [bits = 0, type = 0] = head.subarray(24);
    return {
      key: `PNG ${bits} ${type}`,
      ...(type === 3 && { palette: true }),
      ...(type === 0 && bits < 8 && { bits }),
    };
  }
  if (isJpeg(head)) return { key: "JPEG", lossy: "JPEG" };
  if (isWebp(head)) {
    const chunk = await pictureChunk(read);
    return { key: `WebP ${chunk}`, ...(chunk === "VP8 " && { lossy: "WebP" as const }) };
  }
  const start = directoryStart(head);
  if (start !== undefined) {
    const compression = compressionIn(head, await read(start, start + directoryBytes));
    return {
      key: `TIFF ${compression}`,
      ...(jpegIn.includes(compression!) && { lossy: "JPEG-compressed TIFF" as const }),
    };
  }
  return { key: String.fromCharCode(...head.subarray(0, 2)) };
}

/** Compressions of TIFF: that of TIFF 6.0, which is obsolete, and that of Adobe's technical note. */
const jpegIn: readonly number[] = [6, 7];

/** More than a sound file has before its picture. */
const mostChunks = 100;

/**
 * The kind of the first picture of a WebP: "VP8 " with loss, "VP8L" without. The extended format has chunks before it (profile,
 * animation, alpha), and in an animation the picture lies inside the chunk of its frame.
 * @returns undefined for a damaged file
 */
async function pictureChunk(read: Read): Promise<"VP8 " | "VP8L" | undefined> {
  let at = 12;
  for (let i = 0; i < mostChunks; i++) {
    const header = await read(at, at + 8);
    if (header.length < 8) return undefined;
    const kind = String.fromCharCode(...header.subarray(0, 4));
    if (kind === "VP8 " || kind === "VP8L") return kind;
    const size = new DataView(header.buffer, header.byteOffset).getUint32(4, true);
    // A frame begins with 16 bytes of place, size and duration. Chunks have an even length.
    at += 8 + (kind === "ANMF" ? 16 : size + (size % 2));
  }
  return undefined;
}
