/** Pictures through sharp (libvips): decoded values equal Pillow's `Image.open(...).convert("RGB")`. */
import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp";
import { alike, eightBit } from "../data/transforms.ts";
import { messageOf, PictureSizeError, UserError } from "../errors.ts";
import { damageOf } from "../formats/damage.ts";
import { type DepthOptions, decodeKnown } from "../formats/decode.ts";
import { checkPictureSize, checkValues, mostPixels } from "../formats/limits.ts";
import { checkRange, decodeNpy, isNpy } from "../formats/npy.ts";
import { upright } from "../formats/orientation.ts";
import { checkPngChannels } from "../formats/png-encode.ts";
import { unreadTiff } from "../formats/tiff.ts";
import type { DecodeOptions, DeepPicture, Images, Picture, Samples } from "../platform.ts";

/**
 * Sets sharp up for training: one thread per picture, since the training step needs the cores, and no cache, since a
 * file is decoded once an epoch. These settings hold for the whole process, so importing this library does not change
 * them. The command line calls this function; a program that trains may, too.
 */
export function tuneSharpForTraining(): void {
  sharp.cache(false);
  sharp.concurrency(1);
}

/** The formats that sharp decodes to Pillow's values, by sharp's names. It decodes others, such as AVIF, to other values. */
const readable: readonly string[] = ["png", "jpeg", "webp", "tiff"];

/**
 * Decodes PNG, JPEG, WebP, TIFF, BMP, GIF and Netpbm to 8-bit sRGB with 3 channels, or 1 for a grey file. Stored pixels
 * are not changed: colour profiles are ignored, and EXIF orientation is unless `upright` asks for it. The orientation tag of a
 * TIFF turns the picture, as in Pillow. Values of 16 bits are cut to the upper 8. Of several frames the first is taken. CMYK becomes RGB by
 * Pillow's formula, (255 - C)(255 - K) / 255. Floats in [-1, 1] become 0 to 255. Transparency is dropped; with `alpha: true` a file that has it gives 4
 * channels (RGBA). For NumPy arrays see decodeNpy and eightBit.
 * @throws UserError for bytes that are no picture, and for a truncated or damaged one
 */
async function decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  return eightBit(await tolerant(bytes, { ...options, deep: false }));
}

/**
 * Like decode, but with all bits: 16-bit files give 16 bits. TIFFs of floats (in [-1, 1]; no alpha), TIFFs with more
 * than 4 channels, and NumPy arrays keep their values.
 */
async function decodeDeep(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DeepPicture> {
  return tolerant(bytes, { ...options, deep: true });
}

async function tolerant(bytes: Uint8Array, options: DepthOptions): Promise<DeepPicture> {
  // Errors of NumPy arrays need no prefix: the array is not damaged, but has another form.
  if (isNpy(bytes)) return decodeNpy(bytes);
  try {
    const known = decodeKnown(bytes, options);
    if (known) return known;
    const unread = unreadTiff(bytes);
    if (unread) throw new UserError(unread);
    return await decodeAs(bytes, options, "warning").catch((error) => {
      if (error instanceof PictureSizeError) throw error;
      if (!onlyStrayBytes(error)) throw error;
      return decodeAs(bytes, options, "error");
    });
  } catch (error) {
    if (error instanceof PictureSizeError) throw error;
    throw new UserError(`not a readable picture (${bytes.length} bytes): ${damageOf(bytes, linesOf(error))}`);
  }
}

/** Many sound JPEGs have stray bytes between segments, which libjpeg skips. Its other warnings mean damage. */
export function onlyStrayBytes(error: unknown): boolean {
  return linesOf(error).every((line) => line.includes("extraneous bytes before marker"));
}

/** The lines of a decoder's message. */
export function linesOf(error: unknown): string[] {
  return messageOf(error).trim().split("\n");
}

async function decodeAs(bytes: Uint8Array, options: DecodeOptions, failOn: "warning" | "error"): Promise<DeepPicture> {
  const [file, metadata] = await opened(bytes, failOn, { limitInputPixels: false });
  checkPictureSize(metadata.width, metadata.height, options.mostPixels);
  checkChannels(metadata, options.mostPixels);
  const { image, depth, pictureOf, turned } = readingOf(file, metadata, options);
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  // Only bytes may begin anywhere in the decoder's memory.
  const values =
    depth === "uchar"
      ? new Uint8Array(data.buffer, data.byteOffset, data.length)
      : new containers[depth](new Uint8Array(data).buffer);
  return upright(pictureOf(values, info.width, info.height), turned);
}

/** Channels that a pixel of `mostPixels` has at most: compressed, hundreds of them take few bytes. */
const usualChannels = 4;

/** @throws PictureSizeError for more values than pictures of `most` pixels have */
function checkChannels({ width, height, channels }: Metadata, most: number | undefined): void {
  if (most === undefined || width * height * channels <= most * usualChannels) return;
  throw new PictureSizeError(
    `the picture is ${width}x${height} with ${channels} channels; at most ${most} pixels of ${usualChannels} channels are taken`,
  );
}

/** Opens a picture in memory or in a file. */
export async function opened(
  input: Uint8Array | string,
  failOn: "warning" | "error",
  more: SharpOptions = {},
): Promise<[Sharp, Metadata]> {
  const image = sharp(input, { failOn, ignoreIcc: true, limitInputChannels: false, ...more });
  return [image, await image.metadata()];
}

export const containers = { uchar: Uint8Array, ushort: Uint16Array, float: Float32Array };
export type Depth = keyof typeof containers;

/** How the values of a file become a picture. */
export interface Reading {
  /** The values that sharp gives. */
  image: Sharp;
  depth: Depth;
  /** The picture of all values, or of those of a part. */
  pictureOf(values: Samples, width: number, height: number): DeepPicture;
  /** The orientation that the picture still has. */
  turned: number;
}

/** @throws UserError for a type of values that is not read */
export function readingOf(image: Sharp, metadata: Metadata, options: DecodeOptions): Reading {
  const { format, space, hasAlpha, channels: stored, depth } = metadata;
  if (!readable.includes(format)) {
    throw new UserError(`the format ${format} is not supported; PNG, JPEG, WebP, TIFF, BMP, GIF and Netpbm are`);
  }
  const turned = turnedIn(metadata, options);
  const greyFile = space === "b-w" || space === "grey16";
  const bands = stored > 4 || (greyFile && stored > 2);
  const keepAlpha = options.alpha && hasAlpha;
  if (bands) return { ...storedValues(image, space, depth, bands), turned };
  if (hasAlpha && !keepAlpha) image = image.removeAlpha();
  const known = greyFile || space === "srgb" || space === "rgb16" || space === "scrgb";
  if (known && depth !== "uchar") {
    return { ...storedValues(image, space === "grey16" && keepAlpha ? "rgb16" : space, depth, bands), turned };
  }
  const cmyk = space === "cmyk";
  if (cmyk) image = image.pipelineColourspace("cmyk");
  const grey = greyFile && !keepAlpha;
  return {
    image: image.toColourspace(cmyk ? "cmyk" : grey ? "b-w" : "srgb"),
    depth: "uchar",
    turned,
    pictureOf: (values, width, height) => {
      const data = cmyk ? cmykToRgb(values as Uint8Array, width * height) : values;
      return { width, height, channels: data.length / (width * height), data };
    },
  };
}

/** The orientation by which a picture is turned after it is decoded: that of a TIFF always, that of EXIF where it is asked for. */
export function turnedIn({ format, orientation = 1 }: Metadata, { upright }: DecodeOptions): number {
  return format === "tiff" || upright ? orientation : 1;
}

/** Stored values: 8 or 16 bits or floats, any number of bands. */
function storedValues(image: Sharp, space: string, depth: string, bands: boolean): Omit<Reading, "turned"> {
  if (depth !== "uchar" && depth !== "ushort" && depth !== "float") {
    throw new UserError(`values of the type ${depth}; 8 or 16 bits without sign, or floats in [-1, 1], are expected`);
  }
  // Raw output of a grey picture with many bands has only the first; as RGB it has all, and the first one three times.
  const manyGrey = bands && (space === "b-w" || space === "grey16");
  return {
    image: image.toColourspace(manyGrey ? (depth === "ushort" ? "rgb16" : "srgb") : space),
    depth,
    pictureOf: (values, width, height) => {
      const data = manyGrey ? withoutFirst(values, values.length / (width * height), 2) : values;
      if (data instanceof Float32Array) checkRange(data);
      const channels = data.length / (width * height);
      const measured = bands || (depth === "float" && channels % 2 === 0);
      return { width, height, channels, data, ...(measured && { bands: true }) };
    },
  };
}

/** The channels after the first `count` of each pixel. */
function withoutFirst(values: Samples, channels: number, count: number): Samples {
  const out = alike(values, (values.length / channels) * (channels - count));
  for (let i = 0, o = 0; i < values.length; i += channels) {
    for (let c = count; c < channels; c++) out[o++] = values[i + c]!;
  }
  return out;
}

function cmykToRgb(cmyk: Uint8Array, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const white = 255 - cmyk[i * 4 + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = cmyk[i * 4 + c]! * white + 128;
      rgb[i * 3 + c] = white - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

/** Encodes 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels as a PNG with 8 or 16 bits, as the values have. */
async function encodePng(picture: Picture<Uint8Array | Uint16Array>): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, channels, data } = picture;
  checkValues("encodePng", picture);
  checkPngChannels(channels);
  if (width * height > mostPixels) {
    throw new UserError(`it would be ${width}x${height}; a PNG that is written has at most ${mostPixels} pixels`);
  }
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  const deep = data instanceof Uint16Array;
  const png = await sharp(data, { raw })
    .toColourspace(channels < 3 ? (deep ? "grey16" : "b-w") : deep ? "rgb16" : "srgb")
    .png()
    .toBuffer();
  return new Uint8Array(png.buffer as ArrayBuffer, png.byteOffset, png.length);
}

/** Decodes and encodes pictures on Node. */
export const images: Images & { decode: typeof decode; decodeDeep: typeof decodeDeep } = {
  decode,
  decodeDeep,
  encodePng,
};
