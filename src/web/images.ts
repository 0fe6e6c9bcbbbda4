/**
 * Pictures in a browser. PNG, BMP, GIF and Netpbm are decoded by our code, other formats by the browser. For PNG and
 * for JPEG in RGB and grey the values equal those of `node/images.ts`. CMYK is refused, because browsers convert it in
 * different ways.
 */

import { pictureEndings } from "../data/listing.ts";
import { eightBit } from "../data/transforms.ts";
import { messageOf, UserError } from "../errors.ts";
import { type DepthOptions, decodeKnown } from "../formats/decode.ts";
import { exifOrientation } from "../formats/exif.ts";
import { isJpeg, jpegMarkers, jpegSegments } from "../formats/jpeg.ts";
import { decodeNpy, isNpy } from "../formats/npy.ts";
import { upright } from "../formats/orientation.ts";
import { decodePng, isPng } from "../formats/png.ts";
import { encodePng } from "../formats/png-encode.ts";
import { joined } from "../formats/streams.ts";
import { isWebp } from "../formats/webp.ts";
import type { DecodeOptions, DeepPicture, Images, Picture } from "../platform.ts";

/** Endings of pictures that Node reads and a browser does not. */
export const unreadEndings: readonly string[] = ["tif", "tiff"];
/** Endings of the pictures that a browser reads. */
export const readEndings: readonly string[] = pictureEndings.filter((ending) => !unreadEndings.includes(ending));

async function decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  return eightBit(await decoded(bytes, { ...options, deep: false }));
}

/** As decode, but 16-bit PNGs give 16 bits, and NumPy arrays are read as they are. */
async function decodeDeep(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DeepPicture> {
  return decoded(bytes, { ...options, deep: true });
}

async function decoded(bytes: Uint8Array, options: DepthOptions): Promise<DeepPicture> {
  if (isNpy(bytes)) return decodeNpy(bytes);
  try {
    const picture = decodeKnown(bytes, options) ?? (await decodeOther(bytes, options));
    return options.upright ? upright(picture, exifOrientation(bytes)) : picture;
  } catch (error) {
    const reason = messageOf(error);
    throw new UserError(`not a readable picture (${bytes.length} bytes): ${reason}`);
  }
}

async function decodeOther(bytes: Uint8Array, options: DepthOptions): Promise<DeepPicture> {
  if (isPng(bytes)) return decodePng(bytes, options);
  if (isJpeg(bytes)) return decodeJpeg(bytes);
  if (isWebp(bytes)) return decodeWebp(bytes);
  throw new UserError("no picture of a form that browsers read alike: PNG, JPEG, WebP, BMP, GIF or Netpbm");
}

/**
 * The pixels as stored: EXIF orientation and colour profiles are removed from the file before the browser decodes it.
 */
async function decodeJpeg(bytes: Uint8Array): Promise<Picture> {
  const { plain, components } = withoutNotes(bytes);
  if (components === 4) throw new UserError("a CMYK JPEG; save it as RGB");
  return byBrowser(plain, components === 1 ? 1 : 3);
}

/** The file without its APP1 (EXIF) and APP2 (profile) segments, and its number of colour components. */
function withoutNotes(bytes: Uint8Array): { plain: Uint8Array; components: number } {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  let components = 0;
  for (const { marker, bytes: segment, before } of jpegSegments(bytes)) {
    kept.push(before);
    if (marker !== jpegMarkers.app1 && marker !== jpegMarkers.app2) kept.push(segment);
    if (isFrame(marker)) components = segment[9]!;
    if (marker === jpegMarkers.end) return { plain: joined(kept), components };
  }
  throw new UserError("this JPEG is truncated");
}

/** Whether a segment is the header of a frame, which has the number of components. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

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
