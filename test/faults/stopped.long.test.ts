/** Every long command, asked to stop by each signal at random moments. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { codes, names, Stage } from "./stopped.ts";

const rounds = Number(process.env.ROUNDS ?? 6);
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open(400, 4000);
}, 600_000);
afterAll(() => stage?.close());

it.each(names)(
  "%s ends within seconds, with a line and its exit code",
  async (name) => {
    let inTime = 0;
    for (const signal of Object.keys(codes) as (keyof typeof codes)[]) {
      for (let round = 0; round < rounds; round++) if (await stage.stopped(name, signal, round, 4000)) inTime++;
    }
    expect(inTime).toBeGreaterThan(rounds);
  },
  900_000,
);
