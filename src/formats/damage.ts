/** Says in plain words what is wrong with a file that a decoder has refused: decoders' messages describe their internals. */
import { isJpeg } from "./jpeg.ts";
import { isPng } from "./png.ts";
import { isWebp } from "./webp.ts";

/** Lines that say nothing about the file: sharp's, and libpng's for every kind of damage. */
const emptyWords = /^Warning treated as error|libpng read error|^VipsJpeg: premature end/;

/**
 * @param lines of the decoder's message
 * @returns a clause without a full stop, such as "this PNG is truncated"
 */
export function damageOf(bytes: Uint8Array, lines: readonly string[]): string {
  const reason = lines.find((line) => line.trim() !== "" && !emptyWords.test(line));
  const kind = kindOf(bytes);
  if (!kind) return reason ?? "it is damaged";
  const { name, length } = kind;
  const cut =
    length(bytes) > bytes.length ||
    lines.some((line) => /premature end|unexpected end|got \d+ bytes, expected/i.test(line));
  if (cut) return `this ${name} is truncated`;
  return reason ?? `this ${name} is damaged`;
}

interface Kind {
  name: string;
  is(bytes: Uint8Array): boolean;
  /** The bytes that the whole file must have at least. */
  length(bytes: Uint8Array): number;
}

const text = (bytes: Uint8Array, start: number, end: number) => String.fromCharCode(...bytes.subarray(start, end));
const word = (bytes: Uint8Array, at: number, littleEndian: boolean) =>
  at + 4 <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, littleEndian) : Infinity;

const kinds: readonly Kind[] = [
  { name: "PNG", is: isPng, length: pngLength },
  { name: "JPEG", is: isJpeg, length: () => 4 },
  {
    name: "WebP",
    is: isWebp,
    length: (bytes) => 8 + word(bytes, 4, true),
  },
  {
    name: "TIFF",
    is: (bytes) => ["II*\0", "MM\0*"].includes(text(bytes, 0, 4)),
    length: (bytes) => 2 + word(bytes, 4, bytes[0] === 0x49),
  },
];

function kindOf(bytes: Uint8Array): Kind | undefined {
  return kinds.find(({ is }) => is(bytes));
}

/** The end of the chunk IEND, or of the chunk that the file cuts off. */
function pngLength(bytes: Uint8Array): number {
  let at = 8;
  while (at + 8 <= bytes.length) {
    const end = at + 12 + word(bytes, at, false);
    if (text(bytes, at + 4, at + 8) === "IEND" || end > bytes.length) return end;
    at = end;
  }
  return at + 12;
}
