/** Zip archives, Zip64 included, read by slices: an archive of many gigabytes is never in memory as a whole. */
import { unzipRaw, type ZipEntry } from "unzipit";
import { messageOf, UserError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import type { Slices } from "./slices.ts";

/** Limits of what one archive may unpack to: files, and bytes of all files together. */
const mostFiles = 1_000_000;
const mostBytes = 256 * 2 ** 30;

/** What to do about a damaged archive. */
const anew = "Download, copy or export it again; if another program can unpack it, choose the folder.";

/** One file of an archive. */
export interface ZipFile {
  /** With forward slashes, as the archive has it. */
  path: string;
  /** A symbolic link, whose bytes are the path that it leads to. */
  link: boolean;
  /** The bytes, unpacked. @throws UserError where they are damaged or encrypted */
  read(): Promise<Uint8Array>;
}

/**
 * The files of an archive, without folders. Nothing is unpacked until `read` is called.
 * @param name of the archive, for messages
 * @throws UserError for a file that is not a zip, a damaged one, and one that would unpack to more than the limits
 */
export async function zipEntries(archive: Blob | Slices, name: string): Promise<ZipFile[]> {
  const refused = (what: string, next = "Unpack it and choose the folder.") =>
    new UserError(`${name} cannot be read as a zip: ${what}. ${next}`);
  const { entries } = await unzipRaw(archive instanceof Blob ? archive : readerOf(archive)).catch((error: unknown) => {
    throw refused(
      `its table of contents is missing or damaged (${messageOf(error)}); the file may be truncated or of another kind`,
      anew,
    );
  });
  const files = entries.filter(({ isDirectory }) => !isDirectory);
  const bytes = files.reduce((total, { size }) => total + size, 0);
  if (files.length > mostFiles) throw refused(`it holds ${files.length} files, at most ${mostFiles} are taken`);
  if (!(bytes <= mostBytes)) throw refused(`it unpacks to ${bytes} bytes, at most ${mostBytes} are taken`);
  return files.map((entry) => ({
    path: entry.name,
    link: isLink(entry),
    read: async () => {
      if (entry.encrypted) throw refused(`${entry.name} is encrypted`);
      return unpacked(entry).catch((error: unknown) => {
        throw refused(`${entry.name} is damaged (${messageOf(error)})`, anew);
      });
    },
  }));
}

/** The interface by which unzipit reads an archive. */
const readerOf = (archive: Slices) => ({
  getLength: async () => archive.size,
  read: async (offset: number, length: number) => new Uint8Array(await archive.read(offset, offset + length)),
});

/**
 * The bytes of an entry. Reading stops at the size that the table of contents gives, because a zip bomb unpacks to more.
 */
async function unpacked(entry: ZipEntry): Promise<Uint8Array> {
  const bytes = new Uint8Array(entry.size);
  let length = 0;
  const reader = (await entry.stream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > bytes.length) {
      await reader.cancel();
      throw new Error(`it holds more than the ${entry.size} bytes that the table of contents gives`);
    }
    bytes.set(value, length);
    length += value.length;
  }
  if (length < bytes.length) throw new Error(`it holds ${length} of ${bytes.length} bytes`);
  if (crc32(bytes) !== checksumOf(entry))
    throw new Error("its bytes do not have the checksum of the table of contents");
  return bytes;
}

/** The CRC-32 in the table of contents. unzipit 2.1.1 reads it, but neither compares it nor declares it. */
function checksumOf(entry: ZipEntry): number {
  const { _rawEntry: raw } = entry as unknown as { _rawEntry: { crc32: number } };
  return raw.crc32;
}

/** Systems that store their kind of a file in the upper half of the attributes: Unix and macOS. */
const [unix, macOS] = [3, 19];
const [kindOfFile, symbolicLink] = [0o170000, 0o120000];

const isLink = ({ versionMadeBy, externalFileAttributes }: ZipEntry): boolean =>
  [unix, macOS].includes(versionMadeBy >> 8) && ((externalFileAttributes >>> 16) & kindOfFile) === symbolicLink;
