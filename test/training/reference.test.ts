/**
 * Whole training steps against PyTorch: `pix2pix train` from stored weights on stored pairs gives the losses of every
 * step and the weights at the end.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { bin, reference, root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { compareRun, fixtureSteps, flagsOf, optionsOf, readCase, referenceSteps, type StepCase } from "./step-cases.ts";

const temporary = workFolder("reference");

async function check(each: StepCase): Promise<void> {
  const { name, folder } = each;
  const runs = mkdtempSync(join(temporary, name));
  const place = { name, checkpointsDir: runs, device: "cpu", threads: 1 } as const;
  const flags = flagsOf({ ...optionsOf(readCase(folder), folder), ...place });
  await promisify(execFile)(process.execPath, [bin, "train", ...flags], { cwd: root });
  compareRun(each, join(runs, name));
}

describe("steps of PyTorch (reference)", () => {
  if (!existsSync(reference)) {
    it("the cases", ({ skip }) => skip(`no folder ${reference}`));
    return;
  }
  checkAll(referenceSteps);
});
describe("steps of PyTorch (fixtures)", () => checkAll(fixtureSteps));

function checkAll(cases: readonly StepCase[]): void {
  it("has cases", () => expect(cases).not.toEqual([]));
  for (const each of cases) it(each.name, () => check(each), 600_000);
}
