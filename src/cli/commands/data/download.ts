/** pix2pix data download */
import { createReadStream, openAsBlob } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import * as z from "zod";
import { option } from "../../../config/options.ts";
import { listAll } from "../../../data/listing.ts";
import { ConfigError, messageOf, UserError, WriteError } from "../../../errors.ts";
import { zipEntries } from "../../../formats/zip.ts";
import { download as fetchFile } from "../../../node/download.ts";
import { files } from "../../../node/files.ts";
import { makeFolder } from "../../../node/folders.ts";
import { shellOption } from "../../../text.ts";
import { wholeSet } from "../../../tools/layout.ts";
import { readTar, safePath } from "../../../tools/tar.ts";
import type { Command, Output } from "../../command.ts";
import { overwrite } from "../../convert.ts";
import { Bytes } from "../../progress.ts";
import { ownOptions } from "../../runs.ts";
import { Line } from "../../screen.ts";
import { describeProgress } from "../../stop.ts";

/** An archive: number of pairs to train on, the direction, and its file where that is not NAME.tar.gz of the paper's server. */
interface Archive {
  train: number;
  direction: "AtoB" | "BtoA";
  file?: string;
  from?: string;
}

const paperServer = "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets";
/** The CMP Facade Database (Tylecek and Sara 2013), from which facades was derived. */
const cmpServer = "http://cmp.felk.cvut.cz/~tylecr1/facade";

/** The paper's archives, and their source for facades. */
const archives = {
  facades: { train: 400, direction: "BtoA" },
  cityscapes: { train: 2975, direction: "BtoA" },
  maps: { train: 1096, direction: "AtoB" },
  edges2shoes: { train: 49825, direction: "AtoB" },
  edges2handbags: { train: 138567, direction: "AtoB" },
  night2day: { train: 17823, direction: "AtoB" },
  "cmp-base": { train: 378, direction: "BtoA", file: "CMP_facade_DB_base.zip", from: cmpServer },
  "cmp-extended": { train: 228, direction: "BtoA", file: "CMP_facade_DB_extended.zip", from: cmpServer },
} as const satisfies Readonly<Record<string, Archive>>;

type Name = keyof typeof archives;
const names = Object.keys(archives) as [Name, ...Name[]];

const schema = z.object({
  dataset: option(z.enum(names), { group: "data set", help: "the data set; may be given without --dataset" }),
  out: option(z.string().min(1).default("data"), {
    group: "data set",
    value: "FOLDER",
    help: "folder for NAME/train, NAME/val and NAME/test; the pairs of cmp-base and cmp-extended lie in NAME itself",
  }),
  from: option(z.string().min(1).optional(), {
    group: "data set",
    value: "URL",
    absent: `${paperServer}; of cmp-base and cmp-extended ${cmpServer}`,
    help: "address of the folder that holds NAME.tar.gz, CMP_facade_DB_base.zip or CMP_facade_DB_extended.zip",
  }),
  keepArchive: option(z.boolean().default(false), {
    group: "data set",
    help: "keep the fetched archive in FOLDER",
  }),
  overwrite,
  timeout: option(z.number().gt(0).default(30), {
    group: "network",
    unit: "seconds",
    help: "time without a byte after which the connection counts as lost",
  }),
});

export const download: Command = {
  name: "data download",
  summary: "fetch and unpack one of the paper's data sets, or the CMP facades; resumes an interrupted download",
  schema,
  argument: "dataset",
  examples: ["npx pix2pix data download facades", "npx pix2pix data download maps --out data --keep-archive"],
  async run(given, output) {
    const { dataset, out, keepArchive, overwrite, timeout, ...options } = ownOptions(schema, given);
    const { file = `${dataset}.tar.gz`, from: server = paperServer }: Archive = archives[dataset];
    const from = options.from ?? server;
    if (!/^https?:\/\/./.test(from)) {
      throw new ConfigError(`--from: got "${from}", expected an address that begins with http:// or https://`);
    }
    const [archive, folder] = [`${out}/${file}`, `${out}/${dataset}`];
    if (!overwrite && (await files.exists(folder))) {
      output.print(`${folder} is there already; --overwrite fetches it again.`);
      return 0;
    }
    const url = `${from.replace(/\/+$/, "")}/${file}`;
    const brought = await files.exists(archive);
    if (brought) output.print(`Unpacking ${archive}, which is there already.`);
    else await fetchArchive(url, archive, timeout, output);
    await unpack(archive, folder, dataset, output);
    if (brought) output.print(`${archive} is kept; it is no longer needed.`);
    else if (!keepArchive) await rm(archive, { force: true });
    await report(folder, dataset, output);
    return 0;
  },
};

async function fetchArchive(url: string, archive: string, timeout: number, output: Output): Promise<void> {
  const bytes = new Bytes(process.stdout);
  describeProgress(() => `${bytes.place()}; the same command continues the download`);
  output.print(`Fetching ${url}`);
  try {
    await fetchFile(url, archive, { timeout, progress: (done, total) => bytes.show(done, total) });
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof WriteError) throw error;
    throw new UserError(
      `${error.message}\nTo use another source, give --from URL (of the folder that ` +
        `holds ${url.slice(url.lastIndexOf("/") + 1)}), or fetch it by other means to ${archive} and run the command again.`,
    );
  } finally {
    bytes.clear();
  }
  output.print(`${bytes.summary()}`);
}

/** Unpacks into <folder>.part and renames it, so the folder is complete or absent. */
async function unpack(archive: string, folder: string, name: string, output: Output): Promise<void> {
  const beside = `${folder}.part`;
  await rm(beside, { recursive: true, force: true });
  await checkKind(archive);
  const line = new Line(process.stdout);
  let count = 0;
  describeProgress(() => `before ${archive} was unpacked; the same command unpacks it`);
  try {
    const leftOut = (path: string) => {
      line.clear();
      output.note(`left out: ${path}, a link`);
    };
    for await (const { path, data } of filesIn(archive, leftOut)) {
      // Each archive holds one folder, named like its set; in the archives of CMP "base" or "extended".
      const own = [name, name.replace("cmp-", "")].find((word) => path.startsWith(`${word}/`));
      const target = `${beside}/${own === undefined ? path : path.slice(own.length + 1)}`;
      await makeFolder(dirname(target));
      await writeFile(target, data);
      count++;
      line.show(`${count} files unpacked`);
    }
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!(error instanceof UserError) && !code.startsWith("Z_")) throw error;
    throw new UserError(
      `cannot unpack ${archive}: ${messageOf(error).replace(/\.?$/, ".")} Remove it and run the command again to fetch it anew.`,
    );
  } finally {
    line.clear();
  }
  if (count === 0) throw new UserError(`cannot unpack ${archive}: it holds no files.`);
  await rm(folder, { recursive: true, force: true });
  await rename(beside, folder);
  describeProgress(undefined);
}

/** The files of a .tar.gz or a .zip, with paths that stay below their folder. */
async function* filesIn(archive: string, leftOut: (path: string) => void): AsyncGenerator<Unpacked, void, void> {
  if (!archive.endsWith(".zip")) {
    yield* readTar(gunzipped(archive), { leftOut });
    return;
  }
  for (const { path, link, read } of await zipEntries(await openAsBlob(archive), archive)) {
    if (link) leftOut(path);
    else yield { path: safePath(path), data: await read() };
  }
}

interface Unpacked {
  path: string;
  data: Uint8Array;
}

function gunzipped(archive: string): ReadableStream<Uint8Array> {
  const source = createReadStream(archive);
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => source.destroy());
  // The same class; Node's type lacks some methods of the browser's.
  return Readable.toWeb(source.pipe(gunzip)) as ReadableStream<Uint8Array>;
}

/** The first two bytes of each kind of archive. */
const beginnings = { zip: "PK", gzip: "\x1f\x8b" };

async function checkKind(archive: string): Promise<void> {
  const kind = archive.endsWith(".zip") ? "zip" : "gzip";
  const file = await open(archive);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  if (buffer.toString("latin1") === beginnings[kind]) return;
  throw new UserError(
    `${archive} is no ${kind} archive; the address may have answered with a page of text. Remove it, and open the ` +
      "address in a browser.",
  );
}

async function report(folder: string, name: Name, output: Output): Promise<void> {
  const whole = wholeSet((await listAll(files, folder))?.pictures ?? []);
  const counts = whole?.phases.map(({ phase, found }) => ({ phase, count: found.pairs.length })) ?? [];
  const { train, direction } = archives[name];
  output.print(
    `${folder}: ${counts.map(({ phase, count }) => `${count} ${phase || "pairs"}`).join(", ") || "no pairs"}`,
  );
  const found = counts.find(({ phase }) => phase === "train" || phase === "")?.count ?? 0;
  if (found !== train) output.note(`note: the public archive has ${train} pairs to train on, this one has ${found}.`);
  output.print(`npx pix2pix train ${shellOption("--dataroot", folder)} --direction ${direction} --name ${name}`);
}
