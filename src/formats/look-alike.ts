/** The kind of a file that a reader has refused, guessed from its first bytes. */

/**
 * @param bytes the beginning of the file, 64 bytes or more where it has them
 * @returns a clause such as "it looks like a web page (...)"; undefined where nothing is recognised
 */
export function lookAlike(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  if (bytes.length === 0) return "it is empty";
  if (bytes.subarray(0, 64).every((b) => b === 0)) return "it begins with zeros, as a file whose writing was cut off";
  if (/^\s*<(!doctype|html|\?xml)/i.test(start))
    return "it looks like a web page (an error page instead of the download?)";
  if (start.startsWith("PK\x03\x04")) return "it looks like a zip, such as a PyTorch .pth";
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5)
    return "it looks like a Python pickle, such as an old PyTorch .pth";
  if (start.startsWith("version https://git-lfs")) return "it is a Git LFS pointer (run `git lfs pull`)";
  if (start.startsWith("\x89HDF"))
    return 'it looks like HDF5, such as a Keras .h5 (in Python: tf.train.Checkpoint(generator=model).write("ckpt"), and give ckpt)';
  if (start.startsWith("\x1f\x8b")) return "it looks like gzip (unpack it)";
  if (start.startsWith("\x89PNG") || start.startsWith("\xff\xd8\xff")) return "it looks like a picture";
  if (/^\s*[{[]/.test(start)) return "it looks like JSON";
  return undefined;
}
