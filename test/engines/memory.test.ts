/** Options that need more memory than there is are refused before it is taken. */
import { expect, it } from "vitest";
import { threadsNote } from "../../src/cli/platform.ts";
import { parseCommandLine, readConfig } from "../../src/config/schema.ts";
import { checkMemory, memoryNeed } from "../../src/engines/memory.ts";
import { DeviceError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { neg } from "../../src/graph/ops/elementwise.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { modelOptions } from "../options.ts";

it("sizes and filters have upper bounds, also in the config.json of a run", () => {
  const parse = (options: Record<string, string>) => () => parseCommandLine({ dataroot: "x", ...options });
  expect(parse({ ngf: "1000000" })).toThrow("--ngf: got 1000000, expected a whole number from 1 to 4096");
  expect(parse({ ndf: "1000000" })).toThrow("--ndf: got 1000000, expected a whole number from 1 to 4096");
  expect(parse({ loadSize: "10000000" })).toThrow("--load-size: got 10000000, expected a whole number from 1 to 32768");
  expect(parse({ cropHeight: "65536" })).toThrow("--crop-height: got 65536, expected a whole number from 1 to 32768");
  expect(parse({ batchSize: "1e9" })).toThrow("--batch-size: got 1000000000, expected a whole number from 1 to 65536");
  expect(() => readConfig(JSON.stringify({ dataroot: "x", ngf: 1e8 }), "runs/a/config.json")).toThrow(
    "runs/a/config.json is not the options of a run: --ngf: got 100000000, expected a whole number from 1 to 4096",
  );
});

it("a step is refused before its networks are built, with the need, the memory and what to change", async () => {
  const platform = await nodePlatform({ threads: 1 });
  const memory = 20e9;
  const build = (options: Parameters<typeof modelOptions>[0], n: number, side: number) => () =>
    new Trainer(
      { ...platform, memory },
      { model: modelOptions(options), seed: 0, threads: 1 },
      { n, height: side, width: side },
    );
  expect(build({ netG: "unet_32", ngf: 2048, ndf: 4 }, 1, 32)).toThrow(
    /^A training step of netG unet_32 with ngf 2048, .* batch 1 at 32x32 px needs 273 GB of memory or more \(networks .* 273 GB, .*\), but this machine has 20 GB\. Take a smaller --ngf or --ndf\.$/,
  );
  expect(build({ netG: "unet_32", ngf: 4, ndf: 4 }, 8, 8192)).toThrow(
    / at 8192x8192 px .* Take a smaller --crop-size or --batch-size\.$/,
  );
  expect(build({ netG: "unet_32", ngf: 2048, ndf: 4 }, 1, 32)).toThrow(DeviceError);
  await build({ netG: "unet_32", ngf: 4, ndf: 4 }, 1, 32)().close();
});

it("a need within the memory, or of a machine whose memory is unknown, is no error", () => {
  const need = { networks: 60, carried: 30, working: 10, total: 100 };
  checkMemory(need, 100, "It");
  checkMemory(need, undefined, "It");
  expect(() => checkMemory(need, 99, "It", "Do that.")).toThrow(/^It needs .* Do that\.$/);
});

it("captured programs keep their working memory, others share it", () => {
  // One value of `size` floats between input and output.
  const program = (size: number) => {
    const graph = new Graph();
    graph.output(`y${size}`, neg(neg(graph.input(`x${size}`, [size]))));
    return graph.program();
  };
  const programs = [program(100), program(200)];
  const shared = { networks: 0, carried: 2 * 4 * 300, working: 4 * 200, total: 2400 + 800 };
  expect(memoryNeed(programs, [])).toEqual(shared);
  expect(memoryNeed(programs, [], [], true)).toEqual({ ...shared, working: 4 * 300, total: 2400 + 1200 });
});

it("threads above the number of cores are noted", () => {
  expect(threadsNote(1024, 2)).toEqual([
    "--threads 1024: this machine has 2 cores, and more threads than cores are slower, up to 30 times",
  ]);
  expect([undefined, 1, 2].flatMap((threads) => threadsNote(threads, 2))).toEqual([]);
});
