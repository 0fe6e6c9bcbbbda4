/** The picture formats that Node and the browser both decode with our code, so that both give the same values. */
import type { DeepPicture } from "../platform.ts";
import { decodeBmp, isBmp } from "./bmp.ts";
import { decodeGif, isGif } from "./gif.ts";
import type { DecodeOptions } from "./limits.ts";
import { decodePnm, isPnm } from "./pnm.ts";

/**
 * A BMP, GIF or Netpbm file, recognised by its first bytes; undefined for any other.
 * @throws UserError for a damaged file
 */
export function decodeKnown(bytes: Uint8Array, options: DecodeOptions): DeepPicture | undefined {
  if (isBmp(bytes)) return decodeBmp(bytes, options);
  if (isGif(bytes)) return decodeGif(bytes, options);
  if (isPnm(bytes)) return decodePnm(bytes, options);
  return undefined;
}
