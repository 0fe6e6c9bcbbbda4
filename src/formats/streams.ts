/** Passes bytes through a CompressionStream or DecompressionStream. @throws TypeError for damaged or truncated data */
export async function through(
  parts: readonly Uint8Array[],
  transform: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([...parts] as BlobPart[]);
  return new Uint8Array(await new Response(packed.stream().pipeThrough(transform)).arrayBuffer());
}

/** One array of the bytes of all parts. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
