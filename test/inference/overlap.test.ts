/** Reading, computing and writing at the same time: order, bounds, errors. */
import { describe, expect, it } from "vitest";
import { overlapped, type Stages } from "../../src/inference/overlap.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Stages that note what happens; pieces are numbers. */
function noted(changes: Partial<Stages<number, number, number>> = {}) {
  const log: string[] = [];
  const under = { read: 0, compute: 0, write: 0, waiting: 0 };
  const most = { ...under };
  const during = async <T>(stage: keyof typeof under, work: () => Promise<T>): Promise<T> => {
    most[stage] = Math.max(most[stage], ++under[stage]);
    try {
      return await work();
    } finally {
      under[stage]--;
    }
  };
  let begun = 0;
  let settled = 0;
  const stages: Stages<number, number, number> = {
    read: (piece) =>
      during("read", async () => {
        most.waiting = Math.max(most.waiting, ++begun - settled);
        await pause(piece % 3);
        return piece * 10;
      }),
    compute: (value) => during("compute", async () => value + 1),
    write: (value) => during("write", () => pause((value * 7) % 4)),
    bytes: () => 1,
    done: (piece, error) => {
      settled++;
      log.push(error === undefined ? `${piece}` : `${piece}: ${(error as Error).message}`);
    },
    ...changes,
  };
  return { stages, log, most, under };
}

describe("overlapped", () => {
  it("does every piece once and tells them in order, computing one at a time", async () => {
    const { stages, log, most } = noted();
    await overlapped(range(100), stages);
    expect(log).toEqual(range(100).map(String));
    expect(most.compute).toBe(1);
    expect(most.read).toBeGreaterThan(2);
    expect(most.write).toBeGreaterThan(2);
    expect(most.waiting).toBeLessThanOrEqual(2 * 17 + 1);
  });

  it("computes while others are read and written", async () => {
    const { stages } = noted({ read: (i) => pause(20).then(() => i), write: () => pause(20) });
    const began = performance.now();
    await overlapped(range(20), { ...stages, compute: (i) => pause(20).then(() => i) });
    // One after the other takes 1200 ms.
    expect(performance.now() - began).toBeLessThan(900);
  });

  it("lets few large pieces wait", async () => {
    const { stages, most } = noted({ bytes: () => 120 * 2 ** 20, write: () => pause(5) });
    await overlapped(range(20), stages);
    expect(most.waiting).toBeLessThanOrEqual(6);
    const alone = noted({ bytes: () => 2 ** 30 });
    await overlapped(range(5), alone.stages);
    expect(alone.log.length).toBe(5);
  });

  it("tells the error of each stage with its piece, and goes on", async () => {
    const fails = (stage: string, at: number) => async (value: number) => {
      if (value === at) throw new Error(stage);
      return value;
    };
    const changes = { read: fails("read", 2), compute: fails("compute", 4), write: fails("write", 6) };
    const { stages, log } = noted(changes);
    await overlapped(range(8), stages);
    expect(log).toEqual(["0", "1", "2: read", "3", "4: compute", "5", "6: write", "7"]);
  });

  it("ends with what `done` throws, after all that has begun", async () => {
    const { stages, under } = noted();
    const done = (piece: number) => {
      if (piece === 3) throw new Error("full disk");
    };
    await expect(overlapped(range(50), { ...stages, done })).rejects.toThrow("full disk");
    expect(under).toMatchObject({ read: 0, write: 0 });
  });

  it("begins nothing more after an abort, and finishes what has begun", async () => {
    const controller = new AbortController();
    const { stages, log } = noted();
    const compute = async (value: number) => {
      if (value === 50) controller.abort();
      return value;
    };
    await overlapped(range(50), { ...stages, compute }, controller.signal);
    expect(log).toEqual(["0", "1", "2", "3", "4", "5"]);
  });
});
