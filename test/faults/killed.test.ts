/** A run that is killed a few times; killed.long.test.ts kills a hundred times. */
import { it } from "vitest";
import { survivesKills } from "./killed.ts";

it("killed at random moments, a run comes to the same files", () => survivesKills(4), 300_000);
