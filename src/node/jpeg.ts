/** Encodes JPEG files, which are smaller than PNG, but not exact. */
import sharp from "sharp";
import type { Picture } from "../platform.ts";

/** @param picture 1 or 3 channels. @param quality 1 to 100. From 90 on, colours have full resolution (4:4:4). */
export async function encodeJpeg({ width, height, channels, data }: Picture, quality: number): Promise<Uint8Array> {
  const jpeg = await sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
    .toColourspace(channels < 3 ? "b-w" : "srgb")
    .jpeg({ quality, chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0" })
    .toBuffer();
  return new Uint8Array(jpeg.buffer, jpeg.byteOffset, jpeg.length);
}
