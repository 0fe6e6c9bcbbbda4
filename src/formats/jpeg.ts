/** The segments of a JPEG: ITU-T T.81, annex B. */

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8;

export const jpegMarkers = { end: 0xd9, scan: 0xda, app1: 0xe1, app2: 0xe2 } as const;

export interface JpegSegment {
  /** The second byte of the marker. */
  marker: number;
  /** The segment with its marker and its length; the rest of the file for `end`. */
  bytes: Uint8Array;
  /** The bytes between the segment before and this one: coded data after the header of a scan, and stray bytes, which sound files often have. */
  before: Uint8Array;
}

/** The segments after the first marker, in order. The last is `end`, unless the file is truncated. */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment, void, void> {
  for (let at = 2; at < bytes.length; ) {
    const start = at;
    while (at < bytes.length && !(bytes[at] === 0xff && isMarker(bytes[at + 1]))) at++;
    const before = bytes.subarray(start, at);
    const marker = bytes[at + 1];
    if (marker === undefined) return;
    if (marker === jpegMarkers.end) {
      yield { marker, bytes: bytes.subarray(at), before };
      return;
    }
    const end = at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    yield { marker, bytes: bytes.subarray(at, end), before };
    at = end;
  }
}

/** Whether a byte after 0xff is a marker, and not a stuffed zero, a fill byte or a restart marker. */
function isMarker(byte: number | undefined): boolean {
  return byte !== undefined && byte !== 0 && byte !== 0xff && !(byte >= 0xd0 && byte <= 0xd7);
}
