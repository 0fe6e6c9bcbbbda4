/**
 * Pictures that are too large for the memory: libvips decodes them row by row into a file of plain values, of which parts
 * are read.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { type FileHandle, open, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError, WriteError } from "../errors.ts";
import { damageOf } from "../formats/damage.ts";
import { mostPixels } from "../formats/limits.ts";
import { type BytesAt, unreadTiff } from "../formats/tiff.ts";
import type { DecodeOptions, LargePicture } from "../platform.ts";
import { visible } from "../text.ts";
import { makeFolder } from "./folders.ts";
import {
  containers,
  type Depth,
  linesOf,
  onlyStrayBytes,
  opened,
  type Reading,
  readingOf,
  turnedIn,
} from "./images.ts";
import { beginFile } from "./unfinished.ts";

const unlimited = { limitInputPixels: false, sequentialRead: true } as const;

/** The size that a file states, turned upright; undefined for a file that libvips does not read. */
export async function statedSize(path: string): Promise<{ width: number; height: number } | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const found = await opened(path, "warning", unlimited).catch(() => undefined);
  return found?.[1].autoOrient;
}

/**
 * Opens a PNG, TIFF or JPEG of any size. Values are those of `decodeDeep`.
 * @param scratch path of a file that is made for the values: width * height * channels of 1, 2 or 4 bytes
 * @returns undefined for a picture that can be decoded only in one piece and is small enough for it
 * @throws UserError for a file that is no picture, for a damaged one, and for a large one that can be decoded only in one
 *   piece; WriteError where the disk is full
 */
export async function openLarge(
  path: string,
  scratch: string,
  options: DecodeOptions,
): Promise<LargePicture | undefined> {
  const unread = unreadTiff(partsOf(path));
  if (unread) throw new UserError(`not a readable picture: ${unread}`);
  const [, metadata] = await opened(path, "warning", unlimited);
  const { width, height, channels, depth, format } = metadata;
  const whole = wholeOnly(format, metadata.isProgressive === true, turnedIn(metadata, options));
  if (whole !== undefined) {
    if (width * height <= mostPixels) return undefined;
    throw new UserError(
      `it has ${width}x${height} pixels, and ${whole}, so it can only be decoded in one piece, which is done up to ` +
        `${mostPixels} pixels. Save it as a PNG without interlacing, as a TIFF or as a baseline JPEG`,
    );
  }
  await checkSpace(scratch, width * height * channels * (depth === "uchar" ? 1 : depth === "ushort" ? 2 : 4));
  const ended = beginFile(scratch);
  try {
    const reading = await decoded(path, scratch, options);
    return await valuesIn(scratch, reading);
  } catch (error) {
    await rm(scratch, { force: true });
    throw error;
  } finally {
    ended();
  }
}

/** Reads parts of a file. It opens the file each time: few parts are read. */
const partsOf =
  (path: string): BytesAt =>
  (at, length) => {
    const bytes = new Uint8Array(length);
    const file = openSync(path, "r");
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, length, at));
    } finally {
      closeSync(file);
    }
  };

/** Why the rows of a file cannot be decoded one after the other; undefined where they can. */
function wholeOnly(format: string, progressive: boolean, turned: number): string | undefined {
  if (!["png", "jpeg", "tiff"].includes(format)) return `its format is ${format}`;
  if (progressive) return format === "png" ? "it is interlaced" : "it is a progressive JPEG";
  return turned > 1 ? "its orientation tag turns or mirrors it" : undefined;
}

/** @throws WriteError for a disk that has less than `bytes` left */
async function checkSpace(path: string, bytes: number): Promise<void> {
  await makeFolder(dirname(path));
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize > bytes) return;
  throw new WriteError(
    `cannot write ${visible(path)}: the pixels take ${bytes} bytes there for a while, and ${bavail * bsize} are free. ` +
      "Free some space, or name an --out on another disk.",
  );
}

/** Decodes a file into one of plain values. */
async function decoded(path: string, scratch: string, options: DecodeOptions): Promise<Reading> {
  const write = async (failOn: "warning" | "error") => {
    const reading = readingOf(...(await opened(path, failOn, unlimited)), options);
    await reading.image.toFile(scratch);
    return reading;
  };
  try {
    return await write("warning").catch((error: unknown) => {
      if (!onlyStrayBytes(error)) throw error;
      return write("error");
    });
  } catch (error) {
    throw new UserError(`not a readable picture: ${damageOf(new Uint8Array(), linesOf(error))}`);
  }
}

/** The layout of libvips' own format: 64 bytes of header in the order of this machine, then the values. */
const header = { bytes: 64, magic: 0x08f2a6b6, width: 4, height: 8, channels: 12, depth: 20 };
const depths: Readonly<Record<number, Depth>> = { 0: "uchar", 2: "ushort", 6: "float" };

async function valuesIn(path: string, { depth, pictureOf }: Reading): Promise<LargePicture> {
  const file = await open(path, "r");
  // Without its name, the file is freed however the program ends. Windows does not allow this.
  if (process.platform !== "win32") await rm(path);
  const head = new DataView(new ArrayBuffer(header.bytes));
  await file.read(head, 0, header.bytes, 0);
  const word = (at: number) => head.getUint32(at, true);
  const [width, height, channels] = [word(header.width), word(header.height), word(header.channels)];
  if (word(0) !== header.magic || depths[word(header.depth)] !== depth) {
    throw new Error(
      `${path}: a header of ${depth} values was expected, got ${Buffer.from(head.buffer).toString("hex")}`,
    );
  }
  const pixelBytes = channels * containers[depth].BYTES_PER_ELEMENT;
  return {
    width,
    height,
    async read(part) {
      const bytes = new Uint8Array(part.height * part.width * pixelBytes);
      const rowBytes = part.width * pixelBytes;
      // Whole rows lie one after the other.
      const rows = part.width === width ? part.height : 1;
      for (let row = 0; row < part.height; row += rows) {
        const from = header.bytes + ((part.y + row) * width + part.x) * pixelBytes;
        await readAll(file, bytes.subarray(row * rowBytes, (row + rows) * rowBytes), from);
      }
      return pictureOf(new containers[depth](bytes.buffer), part.width, part.height);
    },
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function readAll(file: FileHandle, bytes: Uint8Array, from: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, offset, bytes.length - offset, from + offset);
    if (bytesRead === 0) throw new Error("the file of decoded pixels is too short");
    offset += bytesRead;
  }
}
