/** Every command that writes many files: killed and stopped at random moments, with a full disk, with a write error. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandNames, Workshop } from "./commands.ts";

const rounds = 3;
const isRoot =
  process.platform === "linux" && process.getuid?.() === 0 && spawnSync("mount", ["--version"]).status === 0;
let shop: Workshop;
beforeAll(async () => {
  shop = await Workshop.open(commandNames, 40);
}, 600_000);
afterAll(() => shop?.close());

describe("nothing is half written, and a second run completes the work", () => {
  it.each(commandNames)(
    "%s, killed at random moments",
    async (name) => {
      let inTime = 0;
      for (let round = 0; round < rounds; round++) if (await shop.interrupted(name, "SIGKILL", round)) inTime++;
      // Files are moved faster than the test can look.
      if (!name.startsWith("split")) expect(inTime).toBeGreaterThan(0);
    },
    600_000,
  );

  it.each(commandNames)(
    "%s, asked to stop by each signal",
    async (name) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) await shop.interrupted(name, signal, 0);
    },
    600_000,
  );

  // To move files to another disk is refused.
  const writing = commandNames.filter((name) => name !== "split by moving");
  it.skipIf(!isRoot).each(writing)(
    "%s, on a full disk (skipped where it may not be mounted)",
    async (name) => {
      await shop.fullDisk(name);
    },
    300_000,
  );

  it.each(commandNames.filter((name) => !name.startsWith("split")))(
    "%s, where files may not grow",
    async (name) => {
      await shop.writeError(name);
    },
    300_000,
  );
});
