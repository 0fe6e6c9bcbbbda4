/** The tables of the paper on real pairs, at the smallest size at which they are themselves. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { realData } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { rowsOf, script } from "./tables.ts";

const data = join(realData, "cityscapes");
const work = workFolder("examples");

describe.skipIf(!existsSync(data))(`tables of the paper${existsSync(data) ? "" : ` (skipped: no ${data})`}`, () => {
  const size = "--size 64 --ngf 4 --max-dataset-size 8 --num-test 4 --epochs 1 --max-steps 4 --threads 2";

  it.each([
    [1, ["loss", "L1", "GAN", "cGAN", "L1+GAN", "L1+cGAN", "Ground truth"]],
    [
      2,
      [
        "generator and loss",
        "Encoder-decoder, L1",
        "Encoder-decoder, L1+cGAN",
        "U-Net, L1",
        "U-Net, L1+cGAN",
        "Ground truth",
      ],
    ],
    [3, ["receptive field", "1x1", "16x16", "70x70", "286x286", "Ground truth"]],
  ])("table %i, judged by a segmenter that is trained too", { timeout: 300_000 }, async (table, labels) => {
    const printed = await script(table, `--dataroot ${data} --out ${work}/cityscapes ${size}`);
    const rows = rowsOf(printed);
    expect([...rows.keys()]).toEqual(labels);
    for (const [here] of [...rows.values()].slice(1)) {
      expect(here).toMatch(here === rows.get("286x286")?.[0] ? /not at this size/ : /^\.\d\d \/ \.\d\d \/ \.\d\d$/);
    }
    expect(existsSync(join(work, "cityscapes/segmenter/latest_net_G.safetensors"))).toBe(true);
  });
});
