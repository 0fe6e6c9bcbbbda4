/** The command line of the scripts outside src. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "./paths.ts";

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", ...args], { cwd: root, encoding: "utf8" });

it("a script tells its options, from the comment at its head", () => {
  const { status, stdout } = run("examples/ablation/sheet.ts", "--help");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^A sheet of the outputs of several runs[^*]+--tests [^*]+$/);
});

it("a wrong option ends a script with one sentence", () => {
  const { status, stdout, stderr } = run("bench/serve.ts", "--nam", "demo");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: Unknown option '--nam'[^\n]+\n$/);
});

it("a file that is missing ends a script with one sentence", () => {
  const { status, stdout, stderr } = run("examples/ablation/sheet.ts", "--tests", "/nothing", "--pictures", "1");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: cannot read \/nothing[^\n]+\n$/);
});
