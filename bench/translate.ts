/**
 * Throughput of `pix2pix translate` beside PyTorch: JPEGs of 256 px from a folder to PNGs in another one, whole commands, same
 * threads, same weights. The runs alternate. Wall time and CPU time are both printed, because other programs disturb CPU
 * time less.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawFacade } from "../src/demo/facades.ts";
import { writeDemo } from "../src/demo/write.ts";
import { files } from "../src/node/files.ts";
import { images } from "../src/node/images.ts";
import { encodeJpeg } from "../src/node/jpeg.ts";
import { Random } from "../src/random.ts";
import { median } from "../src/statistics.ts";

export interface TranslateOptions {
  pictures: number;
  ngf: number;
  rounds: number;
  threads: number;
  /** An interpreter that can import torch; undefined: no comparison. */
  python: string | undefined;
}

interface Timing {
  /** Seconds of the wall clock, and of the processor in all threads and processes. */
  wall: number;
  cpu: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const size = 256;

/** Prints a table: pictures a second by the wall clock, and milliseconds of the processor for a picture. */
export async function translateTable({ pictures, ngf, rounds, threads, python }: TranslateOptions): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "pix2pix-bench-"));
  try {
    await prepare(work, pictures, ngf);
    const ours = [
      process.execPath,
      here("../bin/pix2pix.js"),
      "translate",
      "--name",
      "b",
      "--input",
      "in",
      "--out",
      "out",
    ];
    const weights = ["--input", "in", "--out", "out", "--weights", "runs/b/latest_net_G.safetensors"];
    const peer = (batch: number, workers: number) => [
      ...[python!, here("peers/translate.py"), ...weights, "--ngf", `${ngf}`, "--threads", `${threads}`],
      ...["--batch", `${batch}`, "--workers", `${workers}`],
    ];
    const sides: [name: string, command: string[]][] = [
      ["pix2pix-ts", [...ours, "--device", "cpu", "--threads", `${threads}`]],
      ...(python
        ? ([
            ["PyTorch, batch 1", peer(1, threads)],
            ["PyTorch, batch 8", peer(8, threads)],
          ] as [string, string[]][])
        : []),
    ];
    const runs = sides.map((): Timing[] => []);
    for (let round = 0; round < rounds; round++) {
      sides.forEach(([, command], i) => {
        runs[i]!.push(timed(command, work));
        rmSync(join(work, "out"), { recursive: true });
      });
    }
    console.log(
      `${pictures} JPEGs of ${size} px, unet_256, ngf ${ngf}, ${threads} threads; medians of ${rounds} alternating runs`,
    );
    const [first] = runs;
    sides.forEach(([name], i) => {
      const of = (key: keyof Timing) => median(runs[i]!.map((run) => run[key]));
      const ratio = (key: keyof Timing) => median(runs[i]!.map((run, k) => run[key] / first![k]![key])).toFixed(2);
      console.log(
        `${name.padEnd(18)} ${(pictures / of("wall")).toFixed(2)} pictures/s (${ratio("wall")} of our time), ` +
          `${((1000 * of("cpu")) / pictures).toFixed(0)} ms of the processor a picture (${ratio("cpu")})`,
      );
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Pictures, and a run of one step: the speed does not depend on the values of the weights. */
async function prepare(work: string, pictures: number, ngf: number): Promise<void> {
  mkdirSync(join(work, "in"));
  for (let i = 0; i < pictures; i++) {
    const { label } = drawFacade(new Random(1, "facade", i), size);
    writeFileSync(join(work, "in", `${String(i).padStart(5, "0")}.jpg`), await encodeJpeg(label, 95));
  }
  await writeDemo({ files, images }, join(work, "demo"), { train: 1, test: 0, size, seed: 1 });
  const data = ["--dataroot", "demo", "--direction", "BtoA"];
  const train = ["train", ...data, "--name", "b", "--ngf", `${ngf}`, "--max-steps", "1", "--device", "cpu"];
  run([process.execPath, here("../bin/pix2pix.js"), ...train], work);
}

/** Measured by `time` of bash, which includes child processes. */
function timed(command: readonly string[], work: string): Timing {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const { stderr } = run(["bash", "-c", script, "bash", ...command], work);
  const [wall, user, system] = stderr.trim().split("\n").at(-1)!.split(" ").map(Number) as [number, number, number];
  return { wall, cpu: user + system };
}

function run([file, ...args]: readonly string[], cwd: string): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(file!, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${args.join(" ")} failed with exit code ${status}:\n${stderr}`);
  return { stdout, stderr };
}
