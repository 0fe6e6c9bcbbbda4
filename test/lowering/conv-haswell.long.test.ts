/** The forms of convolutions in blocks of eight channels, on an emulated CPU that has no AVX-512. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

it("channels in blocks of eight: the same tests on a CPU without AVX-512", { timeout: 300_000 }, (context) => {
  const emulator = "qemu-x86_64";
  if (process.arch !== "x64" || spawnSync(emulator, ["--version"]).error) {
    context.skip(`${emulator} is not there (Debian: apt-get install -y qemu-user)`);
  }
  // In threads, because a child process would run on the real CPU.
  const vitest = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "test/lowering/conv.test.ts",
    "-t",
    "channels in blocks,",
    "--pool=threads",
  ];
  const { status, stdout } = spawnSync(emulator, ["-cpu", "Haswell", process.execPath, ...vitest], {
    encoding: "utf8",
  });
  expect(stdout).toMatch(/13 passed/);
  expect(status).toBe(0);
});
