/**
 * Benchmarks of whole training steps and of the generator's forward pass.
 *
 * `npm run bench` prints a table of this project beside PyTorch, if PyTorch is installed. The runs alternate.
 * `npm run bench -- step [--size --ngf --batch --steps --threads --device]` prints one line of JSON for this project alone.
 * `npm run bench -- translate [--pictures --ngf --threads --rounds --python]` prints the throughput of whole commands.
 * With `--device webgpu` or `cuda` both run on the GPU, and PyTorch runs in float32 and with TF32.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { deviceChoices } from "../src/engines/device.ts";
import { gemmPeak } from "./gemm.ts";
import { median, type StepTimes, timeSteps } from "./step.ts";
import { workOf } from "./work.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "256" },
    ngf: { type: "string", default: "64" },
    batch: { type: "string", default: "1" },
    steps: { type: "string", default: "8" },
    threads: { type: "string" },
    device: { type: "string", default: "cpu" },
    rounds: { type: "string", default: "3" },
    pictures: { type: "string", default: "1000" },
    python: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [size, ngf, batch, steps, rounds] = [values.size, values.ngf, values.batch, values.steps, values.rounds].map(
  Number,
) as [number, number, number, number, number];
const device = deviceChoices.find((choice) => choice === values.device);
if (!device) throw new Error(`--device: got ${values.device}, expected ${deviceChoices.join(", ")}`);
const threads = values.threads === undefined ? undefined : Number(values.threads);

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const variables = commandVariables();

if (positionals[0] === "translate") {
  const { translateTable } = await import("./translate.ts");
  const pictures = Number(values.pictures);
  await translateTable({
    pictures,
    ngf,
    rounds,
    threads: threads ?? availableParallelism(),
    python: pythonWithTorch(),
  });
} else if (positionals[0] !== "step") {
  await table();
} else if (Object.entries(variables).every(([name, value]) => process.env[name] === value)) {
  console.log(JSON.stringify(await timeSteps({ size, ngf, batch, steps, threads, device })));
} else {
  const again = [...process.execArgv, here("main.ts"), ...process.argv.slice(2)];
  process.exitCode =
    spawnSync(process.execPath, again, { env: { ...process.env, ...variables }, stdio: "inherit" }).status ?? 1;
}

/** The allocator variables of bin/pix2pix.js. They only work in the environment with which a process starts. */
function commandVariables(): Record<string, string> {
  const program = readFileSync(here("../bin/pix2pix.js"), "utf8");
  return Object.fromEntries([...program.matchAll(/(MALLOC_\w+): "(\d+)"/g)].map(([, name, value]) => [name!, value!]));
}

/** Seconds of a step and of a forward pass; peak memory in 10^6 bytes. */
interface Row {
  name: string;
  step: number;
  forward: number;
  rss: number;
}

/** One competitor: the command that measures it and the results so far. */
interface Side {
  name: string;
  command: readonly [file: string, args: string[]];
  runs: StepTimes[];
}

/** This project, and PyTorch once or, on a GPU, twice. @param python an interpreter that can import torch */
function sidesWith(python: string | undefined): Side[] {
  const flags = Object.entries({ size, ngf, batch, steps, threads }).flatMap(([k, v]) =>
    v ? [`--${k}`, String(v)] : [],
  );
  const own = ["--import", "tsx", here("main.ts"), "step", "--device", device!, ...flags];
  const sides: Side[] = [{ name: "pix2pix-ts", command: [process.execPath, own], runs: [] }];
  if (!python) return sides;
  const onGpu = [
    ["PyTorch", "--cuda"],
    ["PyTorch TF32", "--cuda", "--tf32"],
  ];
  for (const [name, ...more] of device === "cpu" ? [["PyTorch"]] : onGpu) {
    sides.push({ name: name!, command: [python, [here("peers/pytorch.py"), ...flags, ...more]], runs: [] });
  }
  return sides;
}

/** Runs the sides in turn, each time in a new process, so that load from other programs affects all sides alike. */
function alternate(sides: readonly Side[]): void {
  for (let round = 0; round < rounds; round++) {
    for (const { name, command, runs } of sides) {
      const { status, stdout, stderr } = spawnSync(command[0], command[1], { encoding: "utf8" });
      if (status !== 0) throw new Error(`${name} failed with exit code ${status}:\n${stderr}`);
      runs.push(JSON.parse(stdout.trim().split("\n").at(-1)!) as StepTimes);
    }
  }
}

/** Medians over the runs, and the largest peak of memory. */
function rowOf({ name, runs }: Side): Row {
  const of = (key: Exclude<keyof StepTimes, "device">) => median(runs.map((run) => run[key]));
  return {
    name,
    step: of("step_s_median"),
    forward: of("forward_s_median"),
    rss: Math.max(...runs.map((run) => run.rss_mb)),
  };
}

/** An interpreter that can import torch. */
function pythonWithTorch(): string | undefined {
  const all = values.python === undefined ? ["/usr/bin/python3", "python3"] : [values.python];
  return all.find((each) => spawnSync(each, ["-c", "import torch"]).status === 0);
}

async function table(): Promise<void> {
  const python = pythonWithTorch();
  const sides = sidesWith(python);
  alternate(sides);
  const rows = sides.map(rowOf);
  const peak = await gemmPeak(device!, threads);
  const work = workOf({ size, ngf, batch });
  if (values.json) {
    console.log(JSON.stringify({ size, ngf, batch, threads: sides[0]!.runs[0]!.threads, peak, work, rows }));
    return;
  }
  console.log(
    `unet_${size}, ngf ${ngf}, batch ${batch}: ${work.step.toFixed(1)} GFLOP a step, ${work.forward.toFixed(1)} forward`,
  );
  console.log(`GEMM ${peak.toFixed(0)} GFLOP/s; medians of ${rounds} alternating runs of ${steps} steps`);
  for (const line of linesOf(rows, work.step, peak)) console.log(line);
  if (!python) {
    console.log(
      "No comparison: PyTorch is not installed (Debian: apt-get install python3-torch libopenblas0-pthread).",
    );
  }
}

/** @param work GFLOP of a step @param peak GFLOP/s of a large matrix product */
function linesOf(rows: readonly Row[], work: number, peak: number): string[] {
  const ours = rows[0]!;
  const cells = rows.map((row) => [
    row.name,
    row.step.toFixed(3),
    (ours.step / row.step).toFixed(2),
    (work / row.step).toFixed(0),
    `${((100 * work) / row.step / peak).toFixed(0)} %`,
    row.forward.toFixed(3),
    (ours.forward / row.forward).toFixed(2),
    String(row.rss),
  ]);
  const head = ["", "step s", "ours / it", "GFLOP/s", "of GEMM peak", "forward s", "ours / it", "peak MB"];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  return [head, ...cells].map((row) =>
    row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[0]!))).join("  "),
  );
}
