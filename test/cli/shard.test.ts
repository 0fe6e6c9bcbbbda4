/** Which part a task of a job array does. The variables are those that Slurm and Kubernetes set. */
import { describe, expect, it } from "vitest";
import { shardOf } from "../../src/cli/shard.ts";

const slurm = (id: number, ids: readonly number[]) => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_COUNT: `${ids.length}`,
  SLURM_ARRAY_TASK_MIN: `${Math.min(...ids)}`,
  SLURM_ARRAY_TASK_MAX: `${Math.max(...ids)}`,
});

function found(environment: Record<string, string>, given?: string) {
  const notes: string[] = [];
  const shard = shardOf(given, { note: (line) => void notes.push(line) }, environment);
  return { shard: shard && `${shard.index}/${shard.count}`, notes };
}

describe("the part of a task", () => {
  it.each([
    ["nothing", {}, undefined],
    ["--array=0-3", slurm(0, [0, 1, 2, 3]), "1/4"],
    ["--array=0-3, the last", slurm(3, [0, 1, 2, 3]), "4/4"],
    ["--array=1-4", slurm(2, [1, 2, 3, 4]), "2/4"],
    ["--array=0-12:4", slurm(8, [0, 4, 8, 12]), "3/4"],
    ["an array of one", slurm(7, [7]), undefined],
    ["an Indexed Job", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "3" }, "1/3"],
    ["an Indexed Job, the last", { JOB_COMPLETION_INDEX: "2", JOB_COMPLETIONS: "3" }, "3/3"],
  ])("%s", (_, environment, expected) => {
    expect(found(environment).shard).toBe(expected);
  });

  it("is that of --shard where it is given", () => {
    expect(found(slurm(0, [0, 1]), "3/5").shard).toBe("3/5");
    expect(found(slurm(0, [0, 1]), "1/1")).toEqual({ shard: undefined, notes: [] });
  });

  it("says where it comes from", () => {
    const { notes } = found(slurm(1, [0, 1, 2]));
    expect(notes).toEqual(["note: part 2 of 3, by SLURM_ARRAY_TASK_ID; --shard 1/1 does all"]);
  });

  it.each([
    ["ids that are not evenly spaced", slurm(2, [1, 2, 7]), /the 3 ids from 1 to 7 are not evenly spaced/],
    ["an array without its size", { SLURM_ARRAY_TASK_ID: "1" }, /SLURM_ARRAY_TASK_COUNT.* are not all set/],
    [
      "a Job without its size",
      { JOB_COMPLETION_INDEX: "1" },
      /JOB_COMPLETIONS is not a larger number: set it in the pod/,
    ],
    ["a Job of a wrong size", { JOB_COMPLETION_INDEX: "4", JOB_COMPLETIONS: "4" }, /JOB_COMPLETIONS is not a larger/],
  ])("refuses %s: a part must never be guessed", (_, environment, message) => {
    expect(() => found(environment)).toThrow(message);
    expect(() => found(environment)).toThrow(/Give --shard I\/N, or --shard 1\/1/);
  });
});
