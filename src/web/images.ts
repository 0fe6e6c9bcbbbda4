/**
 * Pictures in a browser. PNG, BMP, GIF and Netpbm are decoded by our code, other formats by the browser. For PNG and
 * for JPEG in RGB and grey the values equal those of `node/images.ts`. CMYK is refused, because browsers convert it in
 * different ways.
 */

import { PICTURE_ENDINGS } from "../data/listing.ts";
import { eightBit } from "../data/transforms.ts";
import { UserError } from "../errors.ts";
import { decodeKnown } from "../formats/decode.ts";
import { decodeNpy, isNpy } from "../formats/npy.ts";
import { decodePng, isPng } from "../formats/png.ts";
import { encodePng } from "../formats/png-encode.ts";
import { joined } from "../formats/streams.ts";
import type { DeepPicture, Images, Picture } from "../platform.ts";

/** Endings of pictures that Node reads and a browser does not. */
export const unreadEndings: readonly string[] = ["tif", "tiff"];
/** Endings of the pictures that a browser reads. */
export const readEndings: readonly string[] = PICTURE_ENDINGS.filter((ending) => !unreadEndings.includes(ending));

async function decode(bytes: Uint8Array, options: { alpha?: boolean } = {}): Promise<Picture> {
  if (isNpy(bytes)) return eightBit(decodeNpy(bytes));
  try {
    const known = decodeKnown(bytes, options);
    if (known) return eightBit(known);
    if (isPng(bytes)) return await decodePng(bytes, options);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return await decodeJpeg(bytes);
    if (isWebp(bytes)) return await decodeWebp(bytes);
    throw new UserError("no picture of a form that browsers read alike: PNG, JPEG, WebP, BMP, GIF or Netpbm");
  } catch (error) {
    return refuse(bytes)(error);
  }
}

/** As decode, but 16-bit PNGs give 16 bits, and NumPy arrays are read as they are. */
async function decodeDeep(bytes: Uint8Array, options: { alpha?: boolean } = {}): Promise<DeepPicture> {
  if (isNpy(bytes)) return decodeNpy(bytes);
  try {
    const known = decodeKnown(bytes, { ...options, deep: true });
    if (known) return known;
    return isPng(bytes) ? await decodePng(bytes, { ...options, deep: true }) : await decode(bytes, options);
  } catch (error) {
    return refuse(bytes)(error);
  }
}

function refuse(bytes: Uint8Array): (error: unknown) => never {
  return (error) => {
    if (error instanceof UserError && error.message.startsWith("not a readable picture")) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`not a readable picture (${bytes.length} bytes): ${reason}`);
  };
}

/**
 * The pixels as stored: EXIF orientation and colour profiles are removed from the file before the browser decodes it.
 */
async function decodeJpeg(bytes: Uint8Array): Promise<Picture> {
  const { plain, components } = segmentsOf(bytes);
  if (components === 4) throw new UserError("a CMYK JPEG; save it as RGB");
  return byBrowser(plain, components === 1 ? 1 : 3);
}

/** The file without its APP1 (EXIF) and APP2 (profile) segments, and its number of colour components. */
function segmentsOf(bytes: Uint8Array): { plain: Uint8Array; components: number } {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  let components = 0;
  for (let at = 2; at < bytes.length; ) {
    // Valid files often have stray bytes between segments; coded data follows the header of a scan.
    const start = at;
    while (at < bytes.length && !(bytes[at] === 0xff && isMarker(bytes[at + 1]))) at++;
    kept.push(bytes.subarray(start, at));
    const marker = bytes[at + 1];
    if (marker === 0xd9) {
      kept.push(bytes.subarray(at));
      return { plain: joined(kept), components };
    }
    const end = at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (marker !== undefined && marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      components = bytes[at + 9]!;
    }
    if (marker !== 0xe1 && marker !== 0xe2) kept.push(bytes.subarray(at, end));
    at = end;
  }
  throw new UserError("this JPEG is truncated");
}

/** Whether a byte after 0xff is a marker, and not a stuffed zero, a fill byte or a restart marker. */
function isMarker(byte: number | undefined): boolean {
  return byte !== undefined && byte !== 0 && byte !== 0xff && !(byte >= 0xd0 && byte <= 0xd7);
}

const isWebp = (bytes: Uint8Array): boolean => {
  const text = (start: number) => String.fromCharCode(...bytes.subarray(start, start + 4));
  return text(0) === "RIFF" && text(8) === "WEBP";
};

/** A canvas multiplies colours by alpha, so those of transparent pixels are lost. */
async function decodeWebp(bytes: Uint8Array): Promise<Picture> {
  const picture = await byBrowser(bytes, 4);
  if (picture.data.some((value, i) => i % 4 === 3 && value < 255)) {
    throw new UserError("a WebP with transparency; save it as PNG");
  }
  const { width, height, data } = picture;
  return { width, height, channels: 3, data: data.filter((_, i) => i % 4 < 3) };
}

async function byBrowser(bytes: Uint8Array, wanted: 1 | 3 | 4): Promise<Picture> {
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" }).catch(() => {
    throw new UserError("the browser cannot decode it; it may be damaged");
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new UserError("the browser gives no canvas to decode with");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * wanted);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < wanted; c++) data[i * wanted + c] = rgba[i * 4 + c]!;
  return { width, height, channels: wanted, data };
}

/** Decodes and encodes pictures in a browser. Throws UserError for a file that cannot be decoded. */
export const images: Images = { decode, decodeDeep, encodePng };
