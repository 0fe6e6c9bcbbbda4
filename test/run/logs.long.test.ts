/** A log that is longer than a text may be in JavaScript (512 MiB): that of some million steps. */
import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { files } from "../../src/node/files.ts";
import { FollowedLog } from "../../src/run/follow.ts";
import { Run } from "../../src/run/run.ts";
import { workFolder } from "../work-folder.ts";

it("is read, cut and followed", { timeout: 300_000 }, async () => {
  const run = new Run(files, { checkpointsDir: workFolder("long-logs"), name: "long" });
  const steps = 80;
  // Few lines with much white space are read as fast as a test needs it.
  const space = " ".repeat(7 * 2 ** 20);
  await files.append(run.path("loss_log.jsonl"), "");
  for (let step = 1; step <= steps; step++) {
    appendFileSync(run.path("loss_log.jsonl"), `{"epoch":1,"step":${step},${space}"G_L1":${step / 2}}\n`);
  }
  const followed = new FollowedLog(files, run.path("loss_log.jsonl"));
  await followed.update();
  expect(followed.length).toBe(steps);
  expect(followed.line(steps - 1)).toEqual({ epoch: 1, step: steps, G_L1: steps / 2 });
  expect((await run.losses.read()).map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(await run.losses.cutAfter(steps - 1)).toHaveLength(steps - 1);
  expect((await run.losses.read()).at(-1)).toEqual({ epoch: 1, step: steps - 1, G_L1: (steps - 1) / 2 });
});
