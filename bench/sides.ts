/** The sides of a comparison, run in turn. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { DeviceChoice } from "../src/engines/device.ts";
import { median } from "../src/statistics.ts";
import { load } from "./machine.ts";

/**
 * One run: seconds of the wall clock and of the processor (all threads), peak memory in 10^6 bytes. `step_*` are absent where the side
 * does no steps.
 */
export interface Times {
  step_s?: number;
  step_cpu_s?: number;
  forward_s: number;
  forward_cpu_s: number;
  rss_mb: number;
  threads: number;
  /** The version of the library that computes. */
  runtime: string;
}

/** What is measured: the network by the side of its pictures in pixels and ngf, the batch, and how it runs. */
export interface Measure {
  size: number;
  ngf: number;
  batch: number;
  steps: number;
  threads: number;
}

/** The options of `bench step` and of the scripts in peers/. */
export const flagsOf = ({ size, ngf, batch, steps, threads }: Measure): string[] =>
  Object.entries({ size, ngf, batch, steps, threads }).flatMap(([name, value]) => [`--${name}`, `${value}`]);

/** The command that measures this project in Node. It prints `Times` as its last line. */
export const ownCommand = (device: DeviceChoice, measure: Measure): Side["command"] => [
  process.execPath,
  [
    "--import",
    "tsx",
    fileURLToPath(new URL("main.ts", import.meta.url)),
    "step",
    "--device",
    device,
    ...flagsOf(measure),
  ],
];

/** One competitor. Its command prints `Times` as its last line. */
export interface Side {
  name: string;
  command: readonly [file: string, args: readonly string[]];
  /** Changes to the environment; undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Whether it computes in float32 throughout: ratios compare with such sides only. */
  float32: boolean;
}

export interface Measured extends Side {
  runs: Times[];
}

/** The name, followed by the version of the library where the name has none. */
export const titleOf = ({ name, runs }: Measured): string =>
  /\d/.test(name) || !runs[0] ? name : `${name} ${runs[0].runtime}`;

/** The results of all sides, and the load of the machine before each run. */
export interface Comparison {
  sides: Measured[];
  /** Sides that failed, each with the last line of its standard error. */
  failed: string[];
  loads: number[];
}

/**
 * Runs the sides in turn, each time in a new process, so that load from other programs affects all alike.
 * The first is ours: without it there is nothing to compare, so its failure ends the benchmark.
 */
export function alternate(sides: readonly Side[], rounds: number): Comparison {
  const measured = new Map(sides.map((side) => [side, { ...side, runs: [] as Times[] }]));
  const [failed, loads] = [[] as string[], [] as number[]];
  for (let round = 0; round < rounds; round++) {
    for (const [side, { runs }] of [...measured]) {
      loads.push(load());
      const [file, args] = side.command;
      const { status, stdout, stderr } = spawnSync(file, args, {
        env: { ...process.env, ...side.env },
        encoding: "utf8",
        maxBuffer: 2 ** 26,
      });
      if (status === 0) {
        runs.push(JSON.parse(stdout.trim().split("\n").at(-1)!) as Times);
        console.error(`round ${round + 1} of ${rounds}: ${side.name}: ${stdout.trim().split("\n").at(-1)}`);
        continue;
      }
      if (side === sides[0]) throw new Error(`${side.name} failed with exit code ${status}:\n${stderr}`);
      measured.delete(side);
      failed.push(`${side.name}: ${stderr.trim().split("\n").at(-1) ?? `exit code ${status}`}`);
      console.error(`${side.name} failed:\n${stderr}`);
    }
  }
  return { sides: [...measured.values()], failed, loads };
}

type Figure = "step_s" | "step_cpu_s" | "forward_s" | "forward_cpu_s";

/** The median of a figure over the runs of a side; undefined where it has none. */
export function medianOf({ runs }: Measured, figure: Figure): number | undefined {
  const all = runs.flatMap((run) => run[figure] ?? []);
  return all.length ? median(all) : undefined;
}

/** Ours / theirs: the median over the rounds, of which each compares two runs that follow each other. */
export function ratio(ours: Measured, theirs: Measured, figure: Figure): number | undefined {
  const all = theirs.runs.flatMap((run, i) => {
    const [own, other] = [ours.runs[i]?.[figure], run[figure]];
    return own !== undefined && other !== undefined ? own / other : [];
  });
  return all.length ? median(all) : undefined;
}
