/** Archives and how they come here: tar files by Python's tarfile, and a server on this machine that behaves and misbehaves. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { download as command } from "../../src/cli/commands/data/download.ts";
import { UserError } from "../../src/errors.ts";
import { download } from "../../src/node/download.ts";
import { readTar, type TarLimits } from "../../src/tools/tar.ts";
import { fixture } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const archive = (name: string) => readFileSync(fixture(`tar/${name}.tar.gz`));

/** All files of an archive that comes in pieces of some length. */
async function unpacked(bytes: Uint8Array, { piece = 700, limits = {} as Partial<TarLimits> } = {}) {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(Uint8Array.from(bytes.subarray(at, at + piece)));
      at += piece;
    },
  });
  const found: Record<string, string> = {};
  const links: string[] = [];
  for await (const { path, data } of readTar(stream, { leftOut: (path) => links.push(path), limits })) {
    found[path] = new TextDecoder().decode(data);
  }
  return { found, links };
}

/** One entry of a ustar archive with a right sum. */
function entry(
  name: string,
  content: string | Uint8Array,
  { type = "0", size }: { type?: string; size?: string } = {},
) {
  const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write(size ?? `${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write(`${type}`, 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
const tar = (...entries: Buffer[]) => Buffer.concat([...entries, Buffer.alloc(1024)]);

describe("readTar", () => {
  it.each(["ustar", "gnu", "pax"])("reads %s archives", async (format) => {
    const bytes = gunzipSync(archive(format));
    const { found, links } = await unpacked(bytes);
    const more = { [`facades/${"n".repeat(200)}.txt`]: "long", "facades/über.txt": "umlaut" };
    expect(found).toEqual({
      "facades/train/1.txt": "one",
      "facades/train/2.txt": "2".repeat(512),
      "facades/val/3.txt": "3".repeat(1300),
      "facades/empty.txt": "",
      [`facades/${"deep/".repeat(25)}x.txt`]: "deep",
      ...(format === "ustar" ? {} : more),
    });
    expect(links).toEqual(["facades/link"]);
    expect((await unpacked(bytes, { piece: 1 })).found).toEqual(found);
  });

  it.each(["climbs", "absolute"])("refuses a path that leads out: %s", async (name) => {
    await expect(unpacked(gunzipSync(archive(name)))).rejects.toThrow(/evil.txt", which leads out of its folder/);
  });

  it.each(["a/../../x", "..", "/x", "//x", "\\\\server\\x", "C:/x", "c:x", "a/..", ".", "a\\..\\..\\x"])(
    "refuses the path %s",
    async (name) => {
      await expect(unpacked(tar(entry(name, "evil")))).rejects.toThrow(
        /which leads out of its folder; it is not unpacked/,
      );
    },
  );

  it("leaves out links, hard links and devices, whatever they point to", async () => {
    const { found, links } = await unpacked(
      tar(
        entry("x", "1"),
        ...[..."123467"].map((type) => entry(`kind${type}`, "", { type })),
        entry("d/", "", { type: "5" }),
      ),
    );
    expect(found.x).toBe("1");
    expect(links).toEqual(["kind1", "kind2", "kind3", "kind4", "kind6"]);
  });

  it("ends on extended headers with damaged record lengths", {
    timeout: 10_000,
  }, async () => {
    for (const record of [
      "0 path=x\n",
      "1",
      "0",
      "00000 ",
      "-5 path=x\n",
      "99999999999 path=x\n",
      "x",
      "",
      "6 a=b\n0 c=d\n",
      "\0\0\0",
    ]) {
      for (const type of ["x", "g"]) {
        const ended = unpacked(tar(entry("pax", record, { type }), entry("name", "content"))).then(
          ({ found }) => Object.values(found),
          (error: unknown) => error,
        );
        expect([["content"], expect.any(UserError)], record).toContainEqual(await ended);
      }
    }
  });

  it("limits the number of files, the bytes of all files and of one file", async () => {
    const bytes = tar(entry("a", "12345"), entry("b", "678"), entry("c", ""));
    expect(Object.keys((await unpacked(bytes, { limits: { files: 3, bytes: 8, fileBytes: 5 } })).found)).toHaveLength(
      3,
    );
    await expect(unpacked(bytes, { limits: { files: 2 } })).rejects.toThrow(
      /holds more than 2 files; it is not unpacked/,
    );
    await expect(unpacked(bytes, { limits: { bytes: 7 } })).rejects.toThrow(/holds more than 7 bytes/);
    await expect(unpacked(bytes, { limits: { fileBytes: 4 } })).rejects.toThrow(
      /holds a with 5 bytes, more than 4 in one file/,
    );
    for (const size of ["77777777777\0", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"]) {
      await expect(unpacked(tar(entry("a", "1", { size })))).rejects.toThrow(UserError);
    }
  });

  it("refuses incomplete and damaged archives", async () => {
    const bytes = gunzipSync(archive("gnu"));
    await expect(unpacked(bytes.subarray(0, 5 * 512 + 100))).rejects.toThrow(/damaged: .*truncated/);
    await expect(unpacked(bytes.subarray(0, 2 * 512))).rejects.toThrow(/damaged: .*truncated/);
    await expect(unpacked(Uint8Array.from(bytes, (byte, i) => (i === 3 ? byte + 1 : byte)))).rejects.toThrow(
      /damaged: .*checksum/,
    );
    await expect(unpacked(new TextEncoder().encode("<html>".repeat(200)))).rejects.toThrow(/damaged/);
  });
});

/** A file of this size takes the server several writes. */
const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5));
interface Asked {
  range: string | undefined;
  ifRange: string | string[] | undefined;
}
const asked: Asked[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const server = createServer((request, response) => {
  asked.push({ range: request.headers.range, ifRange: request.headers["if-range"] });
  answer(request, response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
/** An address that nobody listens at. */
const unused = createServer();
await new Promise<void>((resolve) => unused.listen(0, "127.0.0.1", resolve));
const closed = `http://127.0.0.1:${(unused.address() as AddressInfo).port}`;
await new Promise((resolve) => unused.close(resolve));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Breaks the connection when the client has stored so many bytes: it drops what it has received and not yet read. */
function breakWhenStored(response: ServerResponse, bytes: number): void {
  const folder = join(target, "..");
  const timer = setInterval(() => {
    const parts = left().filter((name) => name.endsWith(".part"));
    if (!parts.some((name) => statSync(join(folder, name)).size >= bytes)) return;
    clearInterval(timer);
    response.destroy();
  }, 10);
}

/** Serves a body as a server with Range does. @param breakAt closes the connection after so many bytes of the file */
function serve(body: Buffer, { etag = '"1"', ranges = true, breakAt = Infinity } = {}) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const valid = (request.headers["if-range"] ?? etag) === etag;
    const [, first] = (ranges && valid && /^bytes=(\d+)-$/.exec(request.headers.range ?? "")) || [];
    const start = Number(first ?? 0);
    if (start >= body.length) return void response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
    const part = { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` };
    const headers = { "content-length": body.length - start, ...(etag && { etag }), ...(first ? part : {}) };
    response.writeHead(first ? 206 : 200, headers);
    if (breakAt >= body.length) return void response.end(body.subarray(start));
    response.write(body.subarray(start, breakAt), () => breakWhenStored(response, breakAt));
  };
}

const work = workFolder("download");
let count = 0;
let target = "";
beforeEach(() => {
  asked.length = 0;
  target = join(work, `${++count}`, "file.bin");
});
const left = () => (existsSync(join(target, "..")) ? readdirSync(join(target, "..")).sort() : []);

describe("download", () => {
  it("fetches a file and reports progress", async () => {
    answer = serve(content);
    const seen: [number, number | undefined][] = [];
    await download(base, target, { progress: (...step) => seen.push(step) });
    expect(readFileSync(target)).toEqual(content);
    expect([seen[0], seen.at(-1)]).toEqual([
      [0, content.length],
      [content.length, content.length],
    ]);
    expect(left()).toEqual(["file.bin"]);
  });

  it("resumes after a broken connection", async () => {
    const whole = serve(content);
    answer = (request, response) =>
      (asked.length === 1 ? serve(content, { breakAt: 100_000 }) : whole)(request, response);
    await download(base, target);
    expect(readFileSync(target)).toEqual(content);
    expect(asked).toEqual([
      { range: undefined, ifRange: undefined },
      { range: "bytes=100000-", ifRange: '"1"' },
    ]);
  });

  it("keeps the part when the server fails, and a later call fetches the rest", async () => {
    answer = (request, response) =>
      asked.length === 1 ? serve(content, { breakAt: 50_000 })(request, response) : void response.destroy();
    await expect(download(base, target)).rejects.toThrow(
      /50000 bytes are kept in .*file\.bin\.part; the same command goes on/,
    );
    expect(left()).toEqual(["file.bin.part", "file.bin.part.json"]);
    asked.length = 0;
    answer = serve(content);
    await download(base, target);
    expect(asked.map(({ range }) => range)).toEqual(["bytes=50000-"]);
    expect(readFileSync(target)).toEqual(content);
    expect(left()).toEqual(["file.bin"]);
  });

  it("starts again where the server has no ranges, or another file meanwhile", async () => {
    const other = Buffer.from(content.map((byte) => byte ^ 1));
    const later = [
      [serve(content, { ranges: false }), content],
      [serve(other, { etag: '"2"' }), other],
      [serve(other.subarray(0, 40_000), { etag: "" }), other.subarray(0, 40_000)],
    ] as const;
    for (const [i, [then, expected]] of later.entries()) {
      const path = `${target}${i}`;
      asked.length = 0;
      answer = (request, response) =>
        asked.length === 1
          ? serve(content, { breakAt: 50_000, etag: i === 2 ? "" : '"1"' })(request, response)
          : then(request, response);
      await download(base, path);
      expect(readFileSync(path).equals(expected), `${i}`).toBe(true);
    }
  });

  it("refuses a file of another size than announced", async () => {
    answer = (_, response) => {
      // The second connection brings nothing: its break would race with the file that begins again.
      if (asked.length > 1) response.destroy();
      else response.writeHead(200, { "content-length": 10 }).write("12345", () => breakWhenStored(response, 5));
    };
    await expect(download(base, target)).rejects.toThrow(/cannot fetch .*5 bytes are kept/);
    expect(existsSync(target)).toBe(false);
  });

  it("reports the status of the server, and its silence", async () => {
    answer = (_, response) => void response.writeHead(404).end("no such page");
    await expect(download(base, target)).rejects.toThrow(/the server answers 404 Not Found\.$/);
    expect(asked.length).toBe(1);
    answer = () => {};
    await expect(download(base, target, { timeout: 0.2 })).rejects.toThrow(/no answer for 0.2 s/);
    answer = (_, response) => void response.writeHead(200, { "content-length": 10 }).write("12345");
    await expect(download(base, target, { timeout: 0.2 })).rejects.toThrow(/no answer for 0.2 s.*5 bytes are kept/);
    await expect(download(closed, `${target}x`)).rejects.toThrow(/the server refuses the connection/);
  });
});

describe("data download", () => {
  async function run(given: Record<string, string | true> = {}) {
    const lines: string[] = [];
    const code = await command.run(
      { dataset: "facades", out: join(target, ".."), from: `${base}/sets/`, timeout: "5", ...given },
      { print: (line) => lines.push(line), note: (line) => lines.push(line) },
    );
    return { code, text: lines.join("\n") };
  }
  const place = (...path: string[]) => join(target, "..", ...path);

  it("fetches, unpacks, counts, and removes the archive", async () => {
    let url: string | undefined;
    answer = (request, response) => {
      url = request.url;
      serve(archive("gnu"))(request, response);
    };
    const { code, text } = await run();
    expect([code, url]).toEqual([0, "/sets/facades.tar.gz"]);
    expect(readFileSync(place("facades/train/1.txt"), "utf8")).toBe("one");
    expect(left()).toEqual(["facades"]);
    expect(text).toMatch(
      /MB fetched\nleft out: facades\/link, a link\n.*facades: no pairs\nnote: the public archive has 400/,
    );
    expect(text).toMatch(/npx pix2pix train --dataroot .*facades --direction BtoA --name facades$/);
    asked.length = 0;
    expect((await run()).text).toMatch(/is there already; --overwrite/);
    expect(asked).toEqual([]);
    await run({ overwrite: true, keepArchive: true });
    expect(left()).toEqual(["facades", "facades.tar.gz"]);
  });

  it("fetches the CMP facades, a zip with a folder base or extended", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const names = ["cmp_b0001.jpg", "cmp_b0001.png", "cmp_b0001.xml"];
    const pairs = Object.fromEntries(names.map((name) => [name, bytes(name)]));
    let url: string | undefined;
    answer = (request, response) => {
      url = request.url;
      serve(Buffer.from(zipSync({ base: pairs, "readme.txt": bytes("about") })))(request, response);
    };
    const { code, text } = await run({ dataset: "cmp-base" });
    expect([code, url]).toEqual([0, "/sets/CMP_facade_DB_base.zip"]);
    expect(readdirSync(place("cmp-base")).sort()).toEqual([...names, "readme.txt"]);
    expect(readFileSync(place("cmp-base/cmp_b0001.xml"), "utf8")).toBe("cmp_b0001.xml");
    expect(text).toMatch(/cmp-base: 1 pairs\nnote: the public archive has 378 pairs to train on, this one has 1\./);
    expect(text).toMatch(/npx pix2pix train --dataroot .*cmp-base --direction BtoA --name cmp-base$/);
    expect(left()).toEqual(["cmp-base"]);
    answer = serve(Buffer.from(zipSync({ extended: pairs })));
    expect((await run({ dataset: "cmp-extended" })).text).toMatch(/has 228 pairs to train on/);
  });

  it("leaves out the links of a zip, and says so", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const link = (to: string, os: number): Zippable[string] => [bytes(to), { os, attrs: (0o120777 << 16) >>> 0 }];
    const [unix, dos] = [3, 0];
    const content = {
      "base/cmp_b0001.jpg": bytes("photo"),
      "base/inside.jpg": link("cmp_b0001.jpg", unix),
      "base/outside.jpg": link("/etc/passwd", unix),
      // Attributes of another system say nothing of links.
      "base/file.jpg": link("a file", dos),
    };
    answer = serve(Buffer.from(zipSync(content)));
    const { text } = await run({ dataset: "cmp-base" });
    expect(text).toMatch(/^left out: base\/inside\.jpg, a link\nleft out: base\/outside\.jpg, a link$/m);
    expect(readdirSync(place("cmp-base")).sort()).toEqual(["cmp_b0001.jpg", "file.jpg"]);
  });

  it("refuses zips that are none, and paths that lead out", async () => {
    answer = serve(Buffer.from("<html>not found</html>"));
    await expect(run({ dataset: "cmp-base" })).rejects.toThrow(/CMP_facade_DB_base\.zip is no zip archive;/);
    rmSync(place("CMP_facade_DB_base.zip"));
    answer = serve(Buffer.from(zipSync({ "../evil.jpg": new Uint8Array(3) })));
    await expect(run({ dataset: "cmp-base" })).rejects.toThrow(/evil\.jpg", which leads out of its folder/);
    expect(existsSync(place("cmp-base"))).toBe(false);
  });

  it("unpacks an archive that is already there", async () => {
    answer = serve(archive("pax"));
    await download(base, place("facades.tar.gz"));
    asked.length = 0;
    expect((await run()).code).toBe(0);
    expect(asked).toEqual([]);
    expect(existsSync(place("facades/val/3.txt"))).toBe(true);
    expect(left()).toEqual(["facades", "facades.tar.gz"]);
  });

  it("says what to do when the address does not answer", async () => {
    await expect(run({ from: closed })).rejects.toThrow(
      /refuses the connection.*\n.*--from URL \(of the folder that holds facades.tar.gz\), or fetch it by other means to .*facades.tar.gz/,
    );
    await expect(run({ from: "ftp://x" })).rejects.toThrow(/--from: got "ftp:\/\/x", expected an address/);
  });

  it("does not blame the address where the file cannot be written", async () => {
    answer = serve(archive("gnu"));
    mkdirSync(place("facades.tar.gz.part"), { recursive: true });
    await expect(run()).rejects.toThrow(/^cannot write .*facades\.tar\.gz\.part: EISDIR[^\n]*$/);
    rmSync(place("facades.tar.gz.part"), { recursive: true });
  });

  it("leaves no files of an archive that is damaged, hostile or of another kind", async () => {
    const bytes = archive("gnu");
    const cases = [
      [bytes.subarray(0, bytes.length - 60), /cannot unpack .*end of file\. Remove it and run the command again/],
      [archive("climbs"), /leads out of its folder/],
      [gzipSync(Buffer.alloc(1024)), /it holds no files/],
      [Buffer.from("<html>moved</html>"), /is no gzip archive; the address may have answered with a page of text/],
    ] as const;
    for (const [body, message] of cases) {
      answer = serve(body as Buffer);
      await expect(run()).rejects.toThrow(message);
      expect(left()).toEqual(["facades.tar.gz"]);
      expect(existsSync(place("..", "evil.txt"))).toBe(false);
      rmSync(place("facades.tar.gz"));
    }
  });
});
