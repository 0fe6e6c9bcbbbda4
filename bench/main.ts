/**
 * `npm run bench`: a table of whole training steps and forward passes, ours beside PyTorch where it is installed, in
 * alternating runs. `npm run bench -- step [--size --ngf --batch --steps --threads]`: one line of JSON for ours alone.
 * With `--device webgpu` (or cuda) both are on the GPU, PyTorch in float32 and with TF32.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

if (positionals[0] !== "step") {
  await table();
} else if (Object.entries(variables).every(([name, value]) => process.env[name] === value)) {
  console.log(JSON.stringify(await timeSteps({ size, ngf, batch, steps, threads, device })));
} else {
  const again = [...process.execArgv, here("main.ts"), ...process.argv.slice(2)];
  process.exitCode =
    spawnSync(process.execPath, again, { env: { ...process.env, ...variables }, stdio: "inherit" }).status ?? 1;
}

/** What `pix2pix` is run with: the variables in the first line of bin/pix2pix.js. A process reads them when it starts. */
function commandVariables(): Record<string, string> {
  const [line] = readFileSync(here("../bin/pix2pix.js"), "utf8").split("\n");
  return Object.fromEntries([...line!.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]));
}

interface Row {
  name: string;
  step: number;
  forward: number;
  rss: number;
}

/** Each side runs in processes of its own, in turn, so that a noisy machine treats both alike. */
async function table(): Promise<void> {
  const flags = Object.entries({ size, ngf, batch, steps, threads }).flatMap(([k, v]) =>
    v ? [`--${k}`, String(v)] : [],
  );
  const sides: { name: string; command: [string, string[]]; runs: StepTimes[] }[] = [
    {
      name: "pix2pix-ts",
      command: [process.execPath, ["--import", "tsx", here("main.ts"), "step", "--device", device!, ...flags]],
      runs: [],
    },
  ];
  const python = ["/usr/bin/python3", "python3"].find((p) => spawnSync(p, ["-c", "import torch"]).status === 0);
  const kinds =
    device === "cpu"
      ? [["PyTorch"]]
      : [
          ["PyTorch", "--cuda"],
          ["PyTorch TF32", "--cuda", "--tf32"],
        ];
  for (const [name, ...more] of python ? kinds : []) {
    sides.push({ name: name!, command: [python!, [here("peers/pytorch.py"), ...flags, ...more]], runs: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { name, command, runs } of sides) {
      const { status, stdout, stderr } = spawnSync(command[0], command[1], { encoding: "utf8" });
      if (status !== 0) throw new Error(`${name} failed:\n${stderr}`);
      runs.push(JSON.parse(stdout.trim().split("\n").at(-1)!) as StepTimes);
    }
  }
  const rows = sides.map(({ name, runs }): Row => {
    const of = (key: Exclude<keyof StepTimes, "device">) => median(runs.map((run) => run[key]));
    return {
      name,
      step: of("step_s_median"),
      forward: of("forward_s_median"),
      rss: Math.max(...runs.map((r) => r.rss_mb)),
    };
  });
  const peak = await gemmPeak(device!, threads);
  const work = workOf({ size, ngf, batch });
  if (values.json) {
    console.log(JSON.stringify({ size, ngf, batch, threads: sides[0]!.runs[0]!.threads, peak, work, rows }));
    return;
  }
  const ours = rows[0]!;
  const cells = rows.map((row) => [
    row.name,
    row.step.toFixed(3),
    (ours.step / row.step).toFixed(2),
    (work.step / row.step).toFixed(0),
    `${((100 * work.step) / row.step / peak).toFixed(0)} %`,
    row.forward.toFixed(3),
    (ours.forward / row.forward).toFixed(2),
    String(row.rss),
  ]);
  const head = ["", "step s", "ours / it", "GFLOP/s", "of GEMM peak", "forward s", "ours / it", "peak MB"];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[0]!))).join("  ");
  console.log(
    `unet_${size}, ngf ${ngf}, batch ${batch}: ${work.step.toFixed(1)} GFLOP a step, ${work.forward.toFixed(1)} forward`,
  );
  console.log(`GEMM ${peak.toFixed(0)} GFLOP/s; medians of ${rounds} alternating runs of ${steps} steps`);
  for (const row of [head, ...cells]) console.log(line(row));
  if (!python)
    console.log("PyTorch is not installed (Debian: python3-torch libopenblas0-pthread), so it is not compared.");
}
