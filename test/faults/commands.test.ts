/** A command that is killed, and one that cannot write; commands.long.test.ts does it often, with all, and fills disks. */
import { afterAll, beforeAll, it } from "vitest";
import { Workshop } from "./commands.ts";

let shop: Workshop;
beforeAll(async () => {
  shop = await Workshop.open(["combine"], 24);
}, 120_000);
afterAll(() => shop?.close());

it("killed, leaves nothing half written, and a second run completes the work", async () => {
  await shop.interrupted("combine", "SIGKILL", 0);
});

it("ends with an error where a file may not grow, and a second run completes the work", async () => {
  await shop.writeError("combine");
});
