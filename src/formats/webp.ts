/** The chunks of a WebP: RFC 9649. */

const text = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));

export const isWebp = (bytes: Uint8Array): boolean => text(bytes, 0) === "RIFF" && text(bytes, 8) === "WEBP";

export interface WebpChunk {
  name: string;
  content: Uint8Array;
}

/** The chunks in order; the last is cut where the file is. */
export function* webpChunks(bytes: Uint8Array): Generator<WebpChunk, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    yield { name: text(bytes, at), content: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length % 2);
  }
}
