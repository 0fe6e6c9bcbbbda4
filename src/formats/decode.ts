/** The picture formats that Node and the browser both decode with our code, so that both give the same values. */
import type { DecodeOptions, DeepPicture } from "../platform.ts";
import { decodeBmp, isBmp } from "./bmp.ts";
import { decodeGif, isGif } from "./gif.ts";
import { decodePnm, isPnm } from "./pnm.ts";

/** The options of a decoder for both depths: of `Images.decode` and of `Images.decodeDeep`. */
export interface DepthOptions extends DecodeOptions {
  /** Keep values of more than 8 bits. */
  deep: boolean;
}

/**
 * A BMP, GIF or Netpbm file, recognised by its first bytes; undefined for any other.
 * @throws UserError for a damaged file
 */
export function decodeKnown(bytes: Uint8Array, options: DepthOptions): DeepPicture | undefined {
  if (isBmp(bytes)) return decodeBmp(bytes, options);
  if (isGif(bytes)) return decodeGif(bytes, options);
  if (isPnm(bytes)) return decodePnm(bytes, options);
  return undefined;
}
