/** Commands that write many files, killed, without room on the disk, or asked to stop: nothing is left half written. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { type Ended, runIn } from "../cli/run.ts";
import { bin } from "../paths.ts";

export interface Case {
  name: string;
  /** Arguments; OUT is the folder that the command writes. */
  line: string;
  /** A folder that the command changes: it is copied anew for each attempt, as IN. */
  input?: string;
}

const cases: readonly Case[] = [
  { name: "translate", line: "translate --name whole --input data/trainA --out OUT --threads 1 --device cpu" },
  { name: "test", line: "test --name whole --phase train --results-dir OUT --threads 1 --device cpu" },
  { name: "combine", line: "data combine --fold-A data/trainA --fold-B data/trainB --fold-AB OUT" },
  { name: "resize", line: "data resize --input data --out OUT --size 24" },
  { name: "edges", line: "data edges --input data/trainB --out OUT" },
  { name: "split", line: "data split --input pairs --out OUT" },
  { name: "split by moving", line: "data split --input IN --out OUT --mode move", input: "pairs" },
  { name: "exchange", line: "data exchange --dataroot pairs --out OUT --pairs all" },
  { name: "download", line: "data download facades --from URL --out OUT" },
];

/** What a page or a report says of the time is another in each run. */
const isVolatile = (path: string) => /\.(html|json)$/.test(path);
/** An archive that a command finds stays, also that of a download that was killed while it unpacked. */
const isArchive = (path: string) => path === "facades.tar.gz";
/** Files that are being written, the plan of a move, and the lock of a process that was killed. */
const isUnfinished = (path: string) =>
  isArchive(path) || /\.part(\.json)?(\/|$)|(^|\/)\.split\.json$|\.lock$/.test(path);

/** The files below a folder, by path. */
export function contents(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const all = found.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(all.map((path) => [path.slice(folder.length + 1), readFileSync(path).toString("base64")]));
}

function countFiles(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  } catch {
    // The folder is not there, or changes while it is read.
    return 0;
  }
}

/** A folder with pairs, a trained run, a server with an archive of pairs, and the result of each command. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "pix2pix-commands-"));
  readonly #whole = new Map<string, Map<string, string>>();
  #server: Server | undefined;
  #url = "";
  #count = 0;

  /** @param names of the commands @param pairs of the data set: the more, the longer a command runs */
  static async open(names: readonly string[], pairs: number): Promise<Workshop> {
    const shop = new Workshop();
    await writeDemo({ files, images }, join(shop.folder, "data"), { train: pairs, test: 1, size: 64, seed: 1 });
    const options = "--netG unet_64 --ngf 4 --ndf 4 --crop-size 64 --load-size 64 --threads 1 --device cpu";
    const lines = cases.filter(({ name }) => names.includes(name)).map(({ line, input }) => `${line} ${input}`);
    const needs = (what: string) => lines.some((line) => line.includes(what));
    if (needs("--name whole")) await shop.#run(`train --dataroot data --name whole ${options} --max-steps 2`);
    if (needs("pairs") || needs("URL")) {
      await shop.#run("data combine --fold-A data/trainA --fold-B data/trainB --fold-AB pairs");
    }
    if (needs("URL")) await shop.#serve();
    for (const name of names) {
      const { out, ended } = await shop.attempt(name);
      expect(ended, ended.err).toMatchObject({ code: 0 });
      shop.#whole.set(name, contents(out));
    }
    return shop;
  }

  close(): void {
    this.#server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #run(line: string): Promise<void> {
    const ended = await runIn(this.folder, line);
    expect(ended, ended.err).toMatchObject({ code: 0 });
  }

  /** Serves an archive of the pairs, in pieces, so that the fetching takes a moment. */
  async #serve(): Promise<void> {
    const tar = execFileSync("tar", ["-c", "--sort=name", "--transform=s,^pairs,facades/train,", "pairs"], {
      cwd: this.folder,
      maxBuffer: 2 ** 28,
    });
    const archive = gzipSync(tar);
    const server = createServer(async (request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const range = from > 0 ? { "content-range": `bytes ${from}-${archive.length - 1}/${archive.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { etag: '"one"', "content-length": archive.length - from, ...range });
      for (let at = from; at < archive.length; at += 2 ** 14) {
        response.write(archive.subarray(at, at + 2 ** 14));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#server = server;
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /**
   * Runs a command once.
   * @param out where it writes; default: a new folder
   * @param at `signal` is sent as soon as there are so many files; 0 for no signal
   * @param limit the shell's command before it, such as "ulimit -f 0"
   */
  async attempt(
    name: string,
    { out = join(this.folder, `out-${this.#count++}`), input = "", at = 0, signal = "SIGKILL", limit = "" } = {},
  ): Promise<{ out: string; input: string; ended: Ended & { signal: string | null } }> {
    const { line, input: source } = cases.find((each) => each.name === name)!;
    if (source && !input) {
      input = join(this.folder, `in-${this.#count++}`);
      cpSync(join(this.folder, source), input, { recursive: true });
    }
    const words = line.replace("OUT", out).replace("IN", input).replace("URL", this.#url).split(" ");
    const command = [process.execPath, bin, ...words];
    const child = limit
      ? spawn("bash", ["-c", `${limit}; exec ${command.map((word) => `'${word}'`).join(" ")}`], { cwd: this.folder })
      : spawn(command[0]!, command.slice(1), { cwd: this.folder });
    let [stdout, err] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    const watch = setInterval(() => {
      if (at === 0 || countFiles(out) < at) return;
      at = 0;
      child.kill(signal as NodeJS.Signals);
    }, 1);
    const [code, by] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on("close", (...how) => resolve(how)),
    );
    clearInterval(watch);
    return { out, input, ended: { code, signal: by, out: stdout, err } };
  }

  /** Every file in the folder that is not being written is whole: as in the result of the undisturbed command. */
  expectWhole(name: string, out: string): void {
    const whole = this.#whole.get(name)!;
    for (const [path, content] of contents(out)) {
      if (isUnfinished(path)) continue;
      expect(whole.has(path), `${name}: ${path}`).toBe(true);
      expect(isVolatile(path) || whole.get(path) === content, `${name}: ${path} is half written`).toBe(true);
      if (path.endsWith(".html")) expect(Buffer.from(content, "base64").toString()).toMatch(/<\/html>\s*$/);
      if (path.endsWith(".json")) JSON.parse(Buffer.from(content, "base64").toString());
    }
  }

  /** The command runs again over what is there, and completes it. */
  async expectCompletes(name: string, { out, input }: { out: string; input: string }): Promise<void> {
    const isMoved = input !== "" && contents(input).size === 0;
    if (!isMoved || existsSync(join(out, ".split.json"))) {
      const { ended } = await this.attempt(name, { out, input });
      expect(ended, `${name}: ${ended.err}`).toMatchObject({ code: 0 });
    }
    const found = [...contents(out).keys()].filter((path) => !isArchive(path));
    expect(found, name).toEqual([...this.#whole.get(name)!.keys()]);
    this.expectWhole(name, out);
    rmSync(out, { recursive: true });
    if (input) rmSync(input, { recursive: true, force: true });
  }

  /** Ends a command by a signal at a random moment of its work, then completes it. @returns whether it was in time */
  async interrupted(name: string, signal: NodeJS.Signals, round: number): Promise<boolean> {
    const random = new Random(2, `${signal} ${name}`, round).float();
    const attempt = await this.attempt(name, { at: 1 + Math.floor(random * this.#whole.get(name)!.size), signal });
    const { code, signal: by } = attempt.ended;
    this.expectWhole(name, attempt.out);
    await this.expectCompletes(name, attempt);
    return by !== null || code !== 0;
  }

  /** A disk without room ends the command with an error that says so; with room it completes. */
  async fullDisk(name: string): Promise<void> {
    const disk = join(this.folder, `disk-${this.#count++}`);
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48k", "tmpfs", disk]);
    try {
      const attempt = await this.attempt(name, { out: join(disk, "out") });
      expect(attempt.ended.code, `${name}: ${attempt.ended.err}`).toBe(1);
      expect(attempt.ended.err, name).toMatch(/(disk is full|no space left)/i);
      this.expectWhole(name, attempt.out);
      execFileSync("mount", ["-o", "remount,size=64m", disk]);
      await this.expectCompletes(name, attempt);
    } finally {
      execFileSync("umount", [disk]);
    }
  }

  /** A file that may not grow, as on a full disk, ends the command with an error; nothing of it is left. */
  async writeError(name: string): Promise<void> {
    const attempt = await this.attempt(name, { limit: "ulimit -f 0" });
    expect(attempt.ended.code, `${name}: ${attempt.ended.err}`).toBe(1);
    expect(attempt.ended.err, name).toMatch(/^error: cannot /m);
    this.expectWhole(name, attempt.out);
    await this.expectCompletes(name, attempt);
  }
}

export const commandNames: readonly string[] = cases.map(({ name }) => name);
