/** A log that is followed while it grows, and one that another run's log has replaced. */
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodePlatform } from "../../src/node/index.ts";
import { FollowedLog } from "../../src/run/follow.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("follow");

it("a log that is replaced by another of the same length is read anew", async () => {
  const path = join(work, "loss_log.jsonl");
  const write = (loss: number, at: number) => {
    writeFileSync(path, [1, 2, 3].map((step) => `${JSON.stringify({ step, epoch: 1, G_L1: loss })}\n`).join(""));
    utimesSync(path, at, at);
  };
  const log = new FollowedLog((await nodePlatform()).files, path);
  write(1, 1000);
  await log.update();
  expect([...log.columns.get("G_L1")!]).toEqual([1, 1, 1]);
  write(2, 2000);
  await log.update();
  expect([...log.columns.get("G_L1")!]).toEqual([2, 2, 2]);
  expect(log.generation).toBe(1);
  // Only its time has changed.
  write(2, 3000);
  await log.update();
  expect(log.length).toBe(3);
  expect(log.generation).toBe(1);
});
