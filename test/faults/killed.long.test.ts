/** A run that is killed at a hundred random moments. */
import { it } from "vitest";
import { survivesKills } from "./killed.ts";

it("killed at random moments, a run comes to the same files", () => survivesKills(100), 3_600_000);
