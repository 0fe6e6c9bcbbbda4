/** The part of the work that one task of a job array does: from --shard, or from the variables of Slurm and Kubernetes. */
import * as z from "zod";
import { option } from "../config/options.ts";
import type { Shard } from "../data/shard.ts";
import { ConfigError } from "../errors.ts";
import type { Output } from "./command.ts";

const form = /^(\d+)\/(\d+)$/;

/** @param text "2/4" */
function parsed(text: string): Shard | undefined {
  const [, index, count] = form.exec(text)?.map(Number) ?? [];
  return index !== undefined && count !== undefined && index >= 1 && index <= count ? { index, count } : undefined;
}

export const shardOption = option(
  z
    .string()
    .refine((text) => parsed(text) !== undefined, "a part and the number of parts, such as 2/4 for the second of four")
    .optional(),
  {
    group: "parts",
    value: "I/N",
    absent: "that of the Slurm array or Kubernetes Indexed Job, else all",
    help: "do the I-th of N parts of the pictures; the parts are disjoint and together cover all",
  },
);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The part to do. A note names its source, because a variable of the environment is easily overlooked.
 * @param given the value of --shard
 * @returns undefined for all of the work
 * @throws ConfigError where the environment names a task, but not its place in the array
 */
export function shardOf(
  given: string | undefined,
  output: Pick<Output, "note">,
  environment: Environment = process.env,
): Shard | undefined {
  const { shard, source } =
    given === undefined ? (fromSlurm(environment) ?? fromKubernetes(environment) ?? {}) : { shard: parsed(given) };
  if (!shard || shard.count === 1) return undefined;
  const by = source ? `, by ${source}; --shard 1/1 does all` : "";
  output.note(`note: part ${shard.index} of ${shard.count}${by}`);
  return shard;
}

interface Found {
  shard: Shard;
  /** The variable of the environment that names the task. */
  source: string;
}

/**
 * `sbatch --array`: the task's id, and the smallest, largest and number of ids. Of ids that are not evenly spaced at least one
 * is refused.
 */
function fromSlurm(environment: Environment): Found | undefined {
  const name = "SLURM_ARRAY_TASK_ID";
  const id = whole(environment, name);
  if (id === undefined) return undefined;
  const count = whole(environment, "SLURM_ARRAY_TASK_COUNT");
  const first = whole(environment, "SLURM_ARRAY_TASK_MIN");
  const last = whole(environment, "SLURM_ARRAY_TASK_MAX");
  if (count === undefined || first === undefined || last === undefined) {
    throw unplaced(name, "SLURM_ARRAY_TASK_COUNT, SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_MAX are not all set");
  }
  const step = count === 1 ? 1 : (last - first) / (count - 1);
  const place = (id - first) / step;
  if (!Number.isInteger(step) || !Number.isInteger(place) || place < 0 || place >= count) {
    throw unplaced(name, `the ${count} ids from ${first} to ${last} are not evenly spaced`);
  }
  return { shard: { index: place + 1, count }, source: name };
}

/** A Job with completionMode Indexed. It sets the index alone. */
function fromKubernetes(environment: Environment): Found | undefined {
  const name = "JOB_COMPLETION_INDEX";
  const index = whole(environment, name);
  if (index === undefined) return undefined;
  const count = whole(environment, "JOB_COMPLETIONS");
  if (count === undefined || index >= count) {
    throw unplaced(name, "JOB_COMPLETIONS is not a larger number: set it in the pod's env to the job's completions");
  }
  return { shard: { index: index + 1, count }, source: name };
}

function whole(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

const unplaced = (name: string, why: string) =>
  new ConfigError(`--shard: ${name} is set, but ${why}. Give --shard I/N, or --shard 1/1 for all of the work.`);
