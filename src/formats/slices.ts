/** A file that is read by parts, so that it is never in memory as a whole. */
export interface Slices {
  /** Bytes of the file. */
  readonly size: number;
  /** The bytes [start, end), fewer where the file ends. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** The parts of a file in memory. */
export const slicesOf = (bytes: Uint8Array): Slices => ({
  size: bytes.length,
  read: async (start, end) => bytes.subarray(start, end),
});

/** The parts of a file that a browser holds. */
export const slicesOfBlob = (blob: Blob): Slices => ({
  size: blob.size,
  read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
});
