/** Pictures through sharp (libvips): decoded values equal Pillow's `Image.open(...).convert("RGB")`. */
import sharp from "sharp";
import { UserError } from "../errors.ts";
import type { Images, Picture } from "../platform.ts";

// The cores belong to the training step, and a data set's files are each decoded once.
sharp.cache(false);
sharp.concurrency(1);

/**
 * PNG, JPEG, WebP, GIF and TIFF as 8-bit sRGB: 3 channels, or 1 for a grey file. Pixels are taken as they are stored: no
 * colour profile, no turning by EXIF; 16 bits are cut to the upper 8; of several frames the first. CMYK becomes RGB by
 * Pillow's formula, (255 - C)(255 - K) / 255. Transparency is dropped, the colours beneath kept; with `alpha: true` a file
 * that has it gives 4 channels (RGBA).
 * @throws UserError for bytes that are no picture, and for a truncated or damaged one
 */
async function decode(bytes: Uint8Array, { alpha = false }: { alpha?: boolean } = {}): Promise<Picture> {
  try {
    return await decodeAs(bytes, alpha, "warning").catch((error) => {
      // Stray bytes between segments are common in sound JPEGs, and libjpeg skips them. Its other warnings mean damage.
      if (!linesOf(error).every((line) => line.includes("extraneous bytes before marker"))) throw error;
      return decodeAs(bytes, alpha, "error");
    });
  } catch (error) {
    throw new UserError(`not a readable picture (${bytes.length} bytes): ${linesOf(error)[0]}`);
  }
}

function linesOf(error: unknown): string[] {
  return (error instanceof Error ? error.message : String(error)).trim().split("\n");
}

async function decodeAs(bytes: Uint8Array, alpha: boolean, failOn: "warning" | "error"): Promise<Picture> {
  let image = sharp(bytes, { failOn, ignoreIcc: true });
  const { space, hasAlpha } = await image.metadata();
  const keepAlpha = alpha && hasAlpha;
  if (hasAlpha && !keepAlpha) image = image.removeAlpha();
  if (space === "cmyk") image = image.pipelineColourspace("cmyk");
  const grey = (space === "b-w" || space === "grey16") && !keepAlpha;
  const { data, info } = await image
    .toColourspace(space === "cmyk" ? "cmyk" : grey ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const values = new Uint8Array(data.buffer, data.byteOffset, data.length);
  const { width, height, channels } = info;
  return space === "cmyk"
    ? { width, height, channels: 3, data: cmykToRgb(values, width * height) }
    : { width, height, channels, data: values };
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

/** A lossless PNG of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels. */
async function encodePng(picture: Picture): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  if (channels < 1 || channels > 4 || data.length !== width * height * channels) {
    throw new UserError(`encodePng: ${width}x${height} with ${channels} channels does not fit ${data.length} values.`);
  }
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  const png = await sharp(data, { raw })
    .toColourspace(channels < 3 ? "b-w" : "srgb")
    .png()
    .toBuffer();
  return new Uint8Array(png.buffer, png.byteOffset, png.length);
}

/** Reading and writing pictures in Node. */
export const images: Images & { decode: typeof decode } = { decode, encodePng };
