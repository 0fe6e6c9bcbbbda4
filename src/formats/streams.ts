/** Bytes through a compression or decompression stream of the browser. @throws TypeError for damaged or truncated data */
export async function through(
  parts: readonly Uint8Array[],
  transform: GenericTransformStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([...parts] as BlobPart[]);
  return new Uint8Array(await new Response(packed.stream().pipeThrough(transform)).arrayBuffer());
}
