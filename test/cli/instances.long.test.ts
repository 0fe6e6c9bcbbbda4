/** Label maps with instance maps (--input-instances), from training to pictures. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fixture } from "../paths.ts";
import { runIn } from "./run.ts";

const classes = 4;
const root = mkdtempSync(join(tmpdir(), "pix2pix-instances-"));
beforeAll(() => cpSync(fileURLToPath(fixture("instances")), join(root, "data"), { recursive: true }));
afterAll(() => rmSync(root, { recursive: true }));

it("trains, tests and translates from the command line", { timeout: 120_000 }, async () => {
  const small = "--netG unet_32 --ngf 1 --ndf 1 --netD pixel --load-size 32 --crop-size 32 --batch-size 2 --threads 1";
  const labels = `--input-labels ${classes} --input-instances`;
  const trained = await runIn(root, `train --dataroot data --name inst ${labels} ${small} --max-steps 1 --n-epochs 1`);
  expect(trained.err).toBe("");
  expect(trained.out).toContain(`${classes + 1} -> 3 channels`);
  expect(trained.out).toContain("--instances FILE|FOLDER");
  const judged = await runIn(root, "test --name inst --phase train --patch-map --threads 1");
  expect([judged.code, judged.err]).toEqual([1, expect.stringContaining("5 channels of the input")]);
  expect(existsSync(join(root, "results"))).toBe(false);
  const tested = await runIn(root, "test --name inst --phase train --threads 1");
  expect(tested).toMatchObject({ code: 0, err: "" });
  const translate = "translate --name inst --input data/train_label --threads 1";
  const alone = await runIn(root, `${translate} --out alone`);
  expect(alone.err).toContain("give their file or folder by --instances");
  const both = await runIn(root, `${translate} --out both --instances data/train_inst`);
  expect(both).toMatchObject({ code: 0, err: "" });
  expect(both.out).toContain("2 pictures translated");
  mkdirSync(join(root, "other"));
  const none = await runIn(root, `${translate} --out none --instances other`);
  expect(none.err).toContain("2 of 2 label maps have no instance map of the same stem in other");
});
