/** Two processes that train one run at the same time, again and again. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Random } from "../../src/random.ts";
import { runIn } from "../cli/run.ts";
import { workFolder } from "../work-folder.ts";
import { contents } from "./commands.ts";

const work = workFolder("two");

/** Files that do not depend on the clock. */
function weights(name: string): Map<string, string> {
  const all = contents(join(work, "runs", name));
  return new Map([...all].filter(([path]) => path.endsWith(".safetensors")));
}

it("of two trainings that start at about the same time one trains, the other is refused", async () => {
  await writeDemo({ files, images }, join(work, "data"), { train: 4, test: 1, size: 32, seed: 1 });
  const options =
    "--netG unet_32 --ngf 4 --ndf 4 --crop-size 32 --load-size 36 --threads 1 --device cpu --max-steps 12";
  const train = (name: string) => runIn(work, `train --dataroot data --name ${name} ${options}`);
  expect(await train("alone")).toMatchObject({ code: 0 });
  for (let round = 0; round < 10; round++) {
    const name = `both-${round}`;
    const wait = 300 * new Random(3, "two", round).float();
    const second = new Promise((resolve) => setTimeout(resolve, wait)).then(() => train(name));
    const ended = [await train(name), await second];
    expect(ended.map(({ code }) => code).sort(), ended.map(({ err }) => err).join("\n")).toEqual([0, 1]);
    const refused = ended.find(({ code }) => code === 1)!;
    expect(refused.err).toMatch(
      /is being trained by process \d+ on |exists already\. Continue it with --continue-train/,
    );
    expect(weights(name)).toEqual(weights("alone"));
  }
}, 600_000);
