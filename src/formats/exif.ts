/** The orientation that a camera stores beside the pixels: EXIF 2.3, tag 274. */
import { UserError } from "../errors.ts";
import { isJpeg, jpegMarkers, jpegSegments } from "./jpeg.ts";
import { isPng, pngChunks } from "./png.ts";
import { orientationIn } from "./tiff.ts";
import { isWebp, webpChunks } from "./webp.ts";

/**
 * The EXIF orientation of a JPEG, PNG or WebP.
 * @returns 1 to 8, as in `upright`; 1 for a file without EXIF, for one that is cut before it, and for other formats
 */
export function exifOrientation(bytes: Uint8Array): number {
  try {
    const exif = exifIn(bytes);
    return exif ? orientationIn(withoutName(exif)) : 1;
  } catch (error) {
    // A PNG without its end, which Node's decoder reads.
    if (error instanceof UserError) return 1;
    throw error;
  }
}

/** The EXIF data of a file: a TIFF, before which a JPEG has a name and a WebP may have one. */
function exifIn(bytes: Uint8Array): Uint8Array | undefined {
  if (isJpeg(bytes)) return exifOfJpeg(bytes);
  if (isPng(bytes)) return contentOf(pngChunks(bytes), "eXIf");
  return isWebp(bytes) ? contentOf(webpChunks(bytes), "EXIF") : undefined;
}

const name = [0x45, 0x78, 0x69, 0x66, 0, 0]; // "Exif\0\0"
const isNamed = (bytes: Uint8Array): boolean => name.every((byte, i) => bytes[i] === byte);
const withoutName = (bytes: Uint8Array): Uint8Array => (isNamed(bytes) ? bytes.subarray(name.length) : bytes);

function exifOfJpeg(bytes: Uint8Array): Uint8Array | undefined {
  for (const { marker, bytes: segment } of jpegSegments(bytes)) {
    if (marker === jpegMarkers.scan) return undefined;
    const content = segment.subarray(4);
    // XMP has the same marker.
    if (marker === jpegMarkers.app1 && isNamed(content)) return content;
  }
  return undefined;
}

function contentOf(chunks: Iterable<{ name: string; content: Uint8Array }>, wanted: string): Uint8Array | undefined {
  for (const { name, content } of chunks) if (name === wanted) return content;
  return undefined;
}
