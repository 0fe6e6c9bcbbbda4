/**
 * Whole training steps against PyTorch: `pix2pix train` from stored weights on stored pairs gives the losses of every
 * step and the weights at the end.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { reference, root } from "../paths.ts";
import {
  compareLosses,
  compareWeights,
  loose,
  optionsOf,
  read,
  readCase,
  type Tolerance,
  tight,
} from "./step-cases.ts";

const temporary = mkdtempSync(join(tmpdir(), "pix2pix-reference-"));
afterAll(() => rmSync(temporary, { recursive: true }));

async function check(folder: string, name: string, tolerance: Tolerance): Promise<void> {
  const expected = readCase(folder);
  const runs = mkdtempSync(join(temporary, name));
  const options: ReturnType<typeof optionsOf> = {
    ...optionsOf(expected, folder),
    name,
    checkpointsDir: runs,
    device: "cpu",
    threads: 1,
  };
  const flags = Object.entries(options).map(([key, value]) => (value === true ? `--${key}` : `--${key}=${value}`));
  const command = [join(root, "bin/pix2pix.js"), "train", ...flags];
  await promisify(execFile)(process.execPath, command, { cwd: root });

  const run = join(runs, name);
  const log = readFileSync(join(run, "loss_log.jsonl"), "utf8").trim().split("\n");
  compareLosses(
    expected.losses,
    log.map((line) => JSON.parse(line)),
    tolerance.loss,
  );
  for (const letter of ["G", "D"] as const) {
    const actual = read(join(run, `latest_net_${letter}.safetensors`));
    compareWeights(folder, letter, expected.config.norm, tolerance, actual);
  }
}

function suite(title: string, folder: string, tolerance: Tolerance): void {
  describe(title, () => {
    if (!existsSync(folder)) {
      it("the cases", ({ skip }) => skip(`no folder ${folder}`));
      return;
    }
    const cases = readdirSync(folder).filter((name) => existsSync(join(folder, name, "expected.json")));
    it("has cases", () => expect(cases).not.toEqual([]));
    for (const name of cases) it(name, () => check(join(folder, name), name, tolerance), 600_000);
  });
}

suite("steps of PyTorch (reference)", reference, loose);
suite("steps of PyTorch (fixtures)", join(root, "test/fixtures/steps"), tight);
