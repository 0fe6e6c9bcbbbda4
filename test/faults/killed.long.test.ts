/** A run that is killed at a hundred random moments, and one that gets every other signal. */
import { it } from "vitest";
import { survivesKills } from "./killed.ts";

it("killed at 100 random moments, a run comes to the same files", () => survivesKills(100), 3_600_000);

it("with 42 signals of all other kinds, a run comes to the same files", async () => {
  const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGALRM", "SIGUSR2"] as const;
  const others = ["SIGPIPE", "SIGWINCH", "SIGCONT", "SIGTTOU", "SIGXFSZ", "SIGURG", "SIGIO"] as const;
  await survivesKills(42, [...ending, ...others]);
}, 3_600_000);
