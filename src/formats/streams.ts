/** Passes bytes through a CompressionStream or DecompressionStream. @throws TypeError for damaged or truncated data */
export async function through(
  parts: readonly Uint8Array[],
  transform: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([...parts] as BlobPart[]);
  return new Uint8Array(await new Response(packed.stream().pipeThrough(transform)).arrayBuffer());
}
