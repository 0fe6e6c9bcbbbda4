/**
 * Damaged files: every parser refuses them with an error that a user can read, or reads them; nothing else comes out.
 * Each parser gets valid files with random changes. Changes come from our counter-based generator, so a failure repeats.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/schema.ts";
import { parsePalette } from "../../src/data/palette.ts";
import { UserError } from "../../src/errors.ts";
import { networksIn } from "../../src/exchange/networks-in.ts";
import { decodeBmp } from "../../src/formats/bmp.ts";
import { decodeGif } from "../../src/formats/gif.ts";
import { decodeNpy, encodeNpy } from "../../src/formats/npy.ts";
import { decodePng } from "../../src/formats/png.ts";
import { decodePnm } from "../../src/formats/pnm.ts";
import { decode as decodeSafetensors } from "../../src/formats/safetensors.ts";
import { type Slices, slicesOf } from "../../src/formats/slices.ts";
import { weightsIn } from "../../src/formats/weights-file.ts";
import { zipEntries } from "../../src/formats/zip.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { readTar } from "../../src/tools/tar.ts";
import { cases, fixture } from "../paths.ts";

interface Parser {
  name: string;
  /** Valid files. */
  files: readonly Uint8Array[];
  read(bytes: Uint8Array): unknown;
  /** Default 1500. */
  rounds?: number;
}

const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(name)));
const text = (words: string) => new TextEncoder().encode(words);
const words = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const picture = { width: 3, height: 2, channels: 2, data: Float32Array.from({ length: 12 }, (_, i) => i / 12) };

/** A tar archive without the empty blocks at its end, so that changes hit headers and files. */
function withoutEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (bytes.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  return bytes.slice(0, end);
}

/** All tensors of a file, and its networks. */
async function readWeights(bytes: Uint8Array, beside?: () => Promise<Slices>): Promise<void> {
  const file = await weightsIn(slicesOf(bytes), "x.pth", beside);
  for (const tensor of file.tensors.values()) await tensor.read();
  if (file.tensors.has("model.0.weight")) networksIn(file);
}

const parsers: readonly Parser[] = [
  {
    name: "safetensors",
    files: [bytesOf("tensors.safetensors")],
    read: (bytes) => decodeSafetensors(bytes, "x.safetensors"),
  },
  {
    name: "torch",
    files: ["tensors.pth", "unet32_net_D.pth"].map((name) => bytesOf(`torch/${name}`)),
    read: readWeights,
    rounds: 400,
  },
  {
    name: "torch, the older form",
    files: ["tensors-legacy.pth", "unet32-module-legacy.pth"].map((name) => bytesOf(`torch/${name}`)),
    read: readWeights,
    rounds: 400,
  },
  { name: "pict", files: [bytesOf("exchange/hesse.pict").slice(0)], read: readWeights, rounds: 400 },
  { name: "t7", files: [bytesOf("exchange/paper_net_D.t7")], read: readWeights, rounds: 400 },
  {
    name: "index of a TensorFlow checkpoint",
    files: [bytesOf("exchange/hesse.index")],
    read: (bytes) => readWeights(bytes, async () => slicesOf(bytesOf("exchange/hesse.data-00000-of-00001"))),
    rounds: 400,
  },
  { name: "npy", files: [encodeNpy(picture)], read: decodeNpy },
  {
    name: "PNG",
    files: ["rgb.png", "grey-16.png", "palette.png", "rgba.png"].map((name) => bytesOf(`images/${name}`)),
    read: (bytes) => decodePng(bytes),
  },
  {
    name: "BMP",
    files: ["565.bmp", "palette.bmp", "rle8.bmp", "rle4.bmp", "rgba.bmp"].map((name) => bytesOf(`decode/${name}`)),
    read: (bytes) => decodeBmp(bytes),
  },
  {
    name: "GIF",
    files: ["palette-200.gif", "smaller-transparent.gif", "noise.gif"].map((name) => bytesOf(`decode/${name}`)),
    read: (bytes) => decodeGif(bytes, { alpha: true }),
  },
  {
    name: "Netpbm",
    files: ["plain.ppm", "plain.pbm", "rgb-16.ppm", "one-bit.pbm"].map((name) => bytesOf(`decode/${name}`)),
    read: (bytes) => decodePnm(bytes),
  },
  {
    name: "TIFF",
    files: ["rgb-raw.tif", "palette-4.tif", "rgb-16-big.tif", "big-tiff.tif"].map((name) => bytesOf(`formats/${name}`)),
    read: (bytes) => images.decode(bytes),
  },
  {
    name: "zip",
    files: [bytesOf("pairs.zip")],
    read: async (bytes) => {
      const entries = await zipEntries(new Blob([bytes as Uint8Array<ArrayBuffer>]), "x.zip");
      for (const entry of entries) await entry.read();
    },
  },
  {
    name: "tar",
    files: ["ustar", "gnu", "pax"].map((name) => withoutEnd(new Uint8Array(gunzipSync(bytesOf(`tar/${name}.tar.gz`))))),
    read: async (bytes) => {
      const archive = new Blob([bytes as Uint8Array<ArrayBuffer>, new Uint8Array(1024)]);
      for await (const _ of readTar(archive.stream()));
    },
  },
  {
    name: "config.json",
    files: [text(JSON.stringify({ dataroot: "pairs", name: "x", ngf: 8, norm: "batch", lr: 0.0002 }, null, 2))],
    read: (bytes) => readConfig(words(bytes), "config.json"),
  },
  {
    name: "palette",
    files: [text("128 64 128 road\n70 70 70 building\n")],
    read: (bytes) => parsePalette(words(bytes), "x"),
  },
];

/** One of the ways in which files are damaged: bits, runs of bytes, lengths, cuts. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const at = () => Math.floor(random.float() * bytes.length);
  const out = bytes.slice();
  const kind = Math.floor(random.float() * 6);
  if (kind === 0) return out.slice(0, at());
  if (kind === 1) return new Uint8Array([...out.slice(0, at()), ...out.slice(at())]);
  const changes = 1 + Math.floor(random.float() * 4);
  for (let i = 0; i < changes; i++) {
    const place = at();
    if (kind === 2) out[place]! ^= 1 << Math.floor(random.float() * 8);
    else if (kind === 3) out[place] = Math.floor(random.float() * 256);
    else if (kind === 4) out.fill(random.float() < 0.5 ? 0 : 255, place, place + 4);
    else out.set(out.subarray(place, place + 8), Math.min(at(), out.length - 8));
  }
  return out;
}

/** Milliseconds that one small file may take. */
const patience = 2000;

describe("damaged files are refused in words", () => {
  it.each(parsers)("$name", async ({ name, files, read, rounds = 1500 }) => {
    for (const file of files) await read(file);
    const faults: string[] = [];
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      const random = new Random(1, `damage ${name}`, round);
      const damaged = mutated(files[round % files.length]!, random);
      const began = performance.now();
      try {
        await read(damaged);
      } catch (error) {
        if (error instanceof UserError) refused++;
        else faults.push(`round ${round}: ${error}`);
      }
      if (performance.now() - began > patience) faults.push(`round ${round}: took more than ${patience} ms`);
    }
    expect(faults).toEqual([]);
    expect(refused).toBeGreaterThan(rounds / 20);
  });

  it("a header of 200 000 nested brackets", () => {
    const depth = 200_000;
    const json = text(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    const file = new Uint8Array(8 + json.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    expect(() => decodeSafetensors(file, "x.safetensors")).toThrow(UserError);
    expect(() => readConfig(words(json), "config.json")).toThrow(UserError);
    const option = `{"dataroot":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(() => readConfig(option, "config.json")).toThrow(UserError);
  });

  const archives = existsSync(cases) ? readdirSync(cases).filter((name) => name.startsWith("zip-")) : [];
  it.skipIf(archives.length === 0)("archives that failed (skipped where ../shared/cases is absent)", async () => {
    for (const name of archives) {
      const archive = new Blob([readFileSync(join(cases, name))]);
      const reading = zipEntries(archive, name).then((entries) => Promise.all(entries.map((entry) => entry.read())));
      await reading.catch((error) => expect(error, name).toBeInstanceOf(UserError));
    }
  });

  const tars = ["hang-tar.bin", "pax0.tar.gz"].map((name) => join(cases, name)).filter(existsSync);
  it.skipIf(tars.length === 0)("tar archives that never ended (skipped where ../shared/cases is absent)", async () => {
    for (const path of tars) {
      const bytes = readFileSync(path);
      const archive = new Blob([path.endsWith(".gz") ? gunzipSync(bytes) : bytes]);
      const reading = (async () => {
        for await (const _ of readTar(archive.stream()));
      })();
      await reading.catch((error) => expect(error, path).toBeInstanceOf(UserError));
    }
  });

  it("a zip whose entry unpacks to more than it says", async () => {
    // Local header, data, table, end: one file of ten bytes that is said to have five.
    const data = deflateRawSync(text("0123456789"));
    const name = text("x.png");
    const local = new DataView(new ArrayBuffer(30));
    const entry = new DataView(new ArrayBuffer(46));
    const end = new DataView(new ArrayBuffer(22));
    local.setUint32(0, 0x04034b50, true);
    entry.setUint32(0, 0x02014b50, true);
    for (const [view, from] of [
      [local, 8],
      [entry, 10],
    ] as const) {
      view.setUint16(from, 8, true);
      view.setUint32(from + 10, data.length, true);
      view.setUint32(from + 14, 5, true);
      view.setUint16(from + 18, name.length, true);
    }
    const start = 30 + name.length + data.length;
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(10, 1, true);
    end.setUint32(12, 46 + name.length, true);
    end.setUint32(16, start, true);
    const archive = new Blob([local.buffer, name, data, entry.buffer, name, end.buffer] as BlobPart[]);
    const [file] = await zipEntries(archive, "x.zip");
    await expect(file!.read()).rejects.toThrow(UserError);
  });
});
