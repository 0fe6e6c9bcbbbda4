/** Reads a zip archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), entry by entry. */
import { UserError } from "../errors.ts";
import { through } from "./streams.ts";

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;
const mostComment = 0xffff;
const methods = { stored: 0, deflated: 8 };

/** The files of an archive; the bytes of one are read when they are asked for. @throws UserError for no or a damaged zip */
export async function zipEntries(
  archive: Blob,
  name: string,
): Promise<{ path: string; read(): Promise<Uint8Array> }[]> {
  const damaged = (what: string) =>
    new UserError(`${name} cannot be read as a zip: ${what}. Unpack it and choose the folder.`);
  const slice = async (from: number, to: number) => new DataView(await archive.slice(from, to).arrayBuffer());
  const tail = await slice(Math.max(0, archive.size - endBytes - mostComment), archive.size);
  let at = tail.byteLength - endBytes;
  while (at >= 0 && tail.getUint32(at, true) !== endSignature) at--;
  if (at < 0) throw damaged("it has no table of contents; it may be truncated or of another kind");
  const [count, size, start] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  if (start === 0xffffffff || count === 0xffff) throw damaged("it is of the form for over 4 GB or 65535 files (Zip64)");

  const table = await slice(start, start + size);
  const entries: { path: string; read(): Promise<Uint8Array> }[] = [];
  for (let i = 0, p = 0; i < count; i++) {
    if (p + 46 > table.byteLength || table.getUint32(p, true) !== entrySignature) throw damaged("its table is damaged");
    const [method, packed] = [table.getUint16(p + 10, true), table.getUint32(p + 20, true)];
    const [nameBytes, extra, comment] = [28, 30, 32].map((field) => table.getUint16(p + field, true)) as [
      number,
      number,
      number,
    ];
    const header = table.getUint32(p + 42, true);
    const path = new TextDecoder().decode(new Uint8Array(table.buffer, p + 46, nameBytes));
    p += 46 + nameBytes + extra + comment;
    if (path.endsWith("/")) continue;
    const read = async () => {
      const local = await slice(header, header + 30);
      const from = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
      const bytes = new Uint8Array(await archive.slice(from, from + packed).arrayBuffer());
      if (method === methods.stored) return bytes;
      if (method !== methods.deflated) throw damaged(`${path} is packed by method ${method}`);
      return through([bytes], new DecompressionStream("deflate-raw")).catch(() => {
        throw damaged(`${path} is damaged`);
      });
    };
    entries.push({ path, read });
  }
  return entries;
}
