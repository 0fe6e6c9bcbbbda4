/** pix2pix sweep */
import * as z from "zod";
import { option, optionsOf } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { ConfigError, UserError } from "../../errors.ts";
import { files } from "../../node/files.ts";
import { sweepPage } from "../../report/sweep-page.ts";
import { counted } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { ownOptions } from "../runs.ts";
import { bySeed, collect, csvOf, type SweepRow, scoreNames } from "../sweep/collect.ts";
import { readSweep, type Sweep, type SweepRun, variedIn } from "../sweep/plan.ts";
import { meanLines, runLines } from "../sweep/table.ts";
import { test } from "./test.ts";
import { train } from "./train.ts";

const schema = z.object({
  grid: option(z.string().min(1), {
    group: "sweep",
    value: "FILE",
    help: "the sweep, a YAML file: train: options of all runs, grid: lists of values, list: sets of options, each with a name: if wanted, test: options of test",
  }),
  index: option(z.int().min(0).optional(), {
    group: "sweep",
    absent: "the id of the Slurm array's or Indexed Job's task; elsewhere the runs are listed",
    help: "train and test this run of the sweep, or go on with it; from 0",
  }),
  count: option(z.boolean().default(false), { group: "sweep", help: "print the number of runs" }),
  collect: option(z.boolean().default(false), {
    group: "sweep",
    help: "put all runs, with the scores that they have so far, into one table and one page",
  }),
  resultsDir: option(z.string().min(1).default("results"), {
    group: "sweep",
    value: "FOLDER",
    help: "folder for the tests of the runs, and for the table and the page of the sweep",
  }),
  threads: option(z.int().min(1).max(1024).optional(), {
    group: "device",
    unit: "threads",
    absent: "the file's, or all cores",
    help: "CPU threads for each step",
  }),
});

type Options = z.output<typeof schema>;

export const sweep: Command = {
  name: "sweep",
  summary: "train and test one run of a grid of options, and collect the scores of all",
  schema,
  argument: "grid",
  examples: [
    "npx pix2pix sweep grid.yaml",
    "npx pix2pix sweep grid.yaml --index 3",
    "npx pix2pix sweep grid.yaml --collect",
  ],
  async run(given, output) {
    const options = ownOptions(schema, given);
    const found = await readSweep(options.grid, [...optionsOf(test.schema), ...optionsOf(configSchema)]);
    if (options.count) {
      output.print(`${found.runs.length}`);
      return 0;
    }
    if (options.collect) return collectAll(found, options, output);
    const index = options.index ?? taskOf(process.env);
    if (index !== undefined) return runOne(found, index, options, output);
    for (const run of found.runs) output.print(`${run.index}  ${run.name}`);
    output.print(`${counted(found.runs.length, "run")}. One of them: pix2pix sweep ${options.grid} --index 0`);
    return 0;
  },
};

/** The index of a run from the id of the task: the id itself, whatever the size of the array. */
function taskOf(environment: NodeJS.ProcessEnv): number | undefined {
  const text = environment.SLURM_ARRAY_TASK_ID ?? environment.JOB_COMPLETION_INDEX;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Trains a run to its end, or continues it, and tests it. @returns the exit code; after a signal during training that of the signal */
async function runOne(found: Sweep, index: number, options: Options, output: Output): Promise<number> {
  const run = found.runs[index];
  if (!run)
    throw new ConfigError(`--index: got ${index}, expected 0 to ${found.runs.length - 1}: ${options.grid} has no more`);
  await checkFilesOfTest(found, options.grid);
  const { resultsDir, threads } = options;
  const own = threads === undefined ? {} : { threads: String(threads) };
  output.print(`run ${index} of ${found.runs.length}: ${run.name}`);
  const code = await train.run({ ...run.options, ...own, continueTrain: "if-present" }, output);
  if (code !== 0 || !found.test) return code;
  const place = { name: run.name, checkpointsDir: found.checkpointsDir, resultsDir };
  // The id of the task has chosen the run. Without this, test would also take it as a part of the pictures.
  return test.run({ ...own, ...found.test, ...place, shard: "1/1" }, output);
}

/** @throws UserError where a file that the test reads is missing: the test comes after the training, which takes long */
async function checkFilesOfTest({ test: given = {} }: Sweep, grid: string): Promise<void> {
  for (const key of ["features", "lpips", "reference"] as const) {
    const { [key]: path } = given;
    if (path === undefined || (await files.exists(path))) continue;
    throw new UserError(
      `${grid}: ${path}, ${key} of test:, does not exist. Nothing was trained. Name a file that you have, or leave ${key} out`,
    );
  }
}

/** The folder of a run's test, by the options of test in the file. */
function resultsOf({ test: given = {} }: Sweep, resultsDir: string): (run: SweepRun) => string {
  const { phase, epoch } = ownOptions(test.schema.pick({ phase: true, epoch: true }), given);
  return ({ name }) => `${resultsDir}/${name}/${phase}_${epoch}`;
}

async function collectAll(found: Sweep, { resultsDir }: Options, output: Output): Promise<number> {
  const rows = await collect(found, resultsOf(found, resultsDir));
  const folder = `${resultsDir}/${found.name}`;
  await files.write(`${folder}/sweep.csv`, csvOf(rows));
  await files.write(`${folder}/index.html`, await pageOf(found, rows, folder));
  for (const line of runLines(rows)) output.print(line);
  if (variedIn(found.runs).includes("seed")) for (const line of ["", ...meanLines(bySeed(rows))]) output.print(line);
  const tested = rows.filter(({ tested }) => tested).length;
  const legend = tested > 1 ? " An asterisk marks the best value of each score." : "";
  output.print(`${tested} of ${rows.length} runs are tested.${legend}`);
  output.print(`${folder}/index.html, ${folder}/sweep.csv`);
  return 0;
}

async function pageOf(found: Sweep, rows: readonly SweepRow[], folder: string): Promise<string> {
  const options = variedIn(found.runs);
  const scores = scoreNames(rows);
  const seeds = options.includes("seed") ? bySeed(rows) : [];
  const relativeRun = ({ name }: SweepRun) => relativeTo(folder, `${found.checkpointsDir}/${name}/index.html`);
  const tested = rows.filter((row) => row.tested).length;
  return sweepPage({
    name: found.name,
    options,
    scores,
    updated: new Date(),
    facts: [
      ["runs", `${rows.length}`],
      ["tested", `${tested}`],
    ],
    runs: rows.map(({ run, step, scores: own, tested }) => ({
      values: options.map((flag) => run.values[flag] ?? ""),
      step,
      scores: scores.map((name) => own[name]),
      run: step === undefined ? undefined : relativeRun(run),
      test: tested && relativeTo(folder, `${tested}/index.html`),
    })),
    groups: seeds.map(({ values, rows: members, scores: own }) => ({
      values: options.filter((flag) => flag !== "seed").map((flag) => values[flag] ?? ""),
      count: members.length,
      scores: scores.map((name) => own[name]),
    })),
  });
}

/** A path as seen from a folder, with forward slashes; both are relative to the working folder, or both absolute. */
function relativeTo(folder: string, path: string): string {
  const [from, to] = [folder, path].map((each) => each.split("/").filter((part) => part !== "" && part !== "."));
  let same = 0;
  while (same < from!.length && from![same] === to![same]) same++;
  return [...from!.slice(same).map(() => ".."), ...to!.slice(same)].join("/");
}
