/** How a picture is stored, by the first bytes of its file. */
import { isPng } from "./png.ts";

/** Bytes that are needed. */
export const storageBytes = 26;

export interface Storage {
  /** Equal for files that are stored alike: the format, and for a PNG its bits and colour type. */
  key: string;
  /** The format, where compression changes values. */
  lossy?: "JPEG" | "WebP";
  /** A PNG whose pixels are indices of a palette. */
  palette?: boolean;
  /** Bits of a grey PNG that has fewer than 8: a decoder scales its values to 0..255. */
  bits?: number;
}

/** @param head the first `storageBytes` of the file, or all of a shorter one */
export function storageOf(head: Uint8Array): Storage {
  if (isPng(head)) {
    const [bits = 0, type = 0] = head.subarray(24);
    return {
      key: `PNG ${bits} ${type}`,
      ...(type === 3 && { palette: true }),
      ...(type === 0 && bits < 8 && { bits }),
    };
  }
  if (head[0] === 0xff && head[1] === 0xd8) return { key: "JPEG", lossy: "JPEG" };
  const text = String.fromCharCode(...head.subarray(0, 16));
  // VP8L is WebP without loss.
  if (/^RIFF....WEBPVP8 /s.test(text)) return { key: "WebP", lossy: "WebP" };
  return { key: text.slice(0, 2) };
}
