/** A command that is asked to stop at any moment ends soon, with a line; stopped.long.test.ts does it often, with all. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Stage } from "./stopped.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(12, 1500);
}, 120_000);
afterAll(() => stage?.close());

it("before anything is begun", async () => {
  const texts = [];
  for (let round = 0; round < 4; round++) texts.push(await stage.stopped("inspect", "SIGINT", round, 500));
  expect(texts).toContain("Stopped before anything was written.\n");
}, 60_000);

it("while it starts, or between two tiles", async () => {
  expect(await stage.stopped("train", "SIGTERM", 1, 2000)).toBeDefined();
  expect(await stage.stopped("translate in tiles", "SIGTERM", 2, 2000)).toBeDefined();
}, 120_000);
