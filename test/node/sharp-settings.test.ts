/** sharp has its thread count and its cache for the whole process; a library must leave them as its user set them. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { fixture, root } from "../paths.ts";

/** Runs a script in a process of its own, where a user of sharp has chosen 3 threads and a cache. @returns what it prints */
function run(script: string): unknown {
  const lines = `
    import { readFileSync } from "node:fs";
    import sharp from "sharp";
    sharp.concurrency(3);
    sharp.cache({ memory: 17, files: 5, items: 11 });
    const picture = readFileSync(new URL("${fixture("images/rgb.png")}"));
    ${script}
    const { memory, files, items } = sharp.cache();
    console.log(JSON.stringify([sharp.concurrency(), memory.max, files.max, items.max]));`;
  const args = ["--import", "tsx", "--input-type=module", "-e", lines];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return stdout === "" ? stderr : JSON.parse(stdout);
}

it("importing pix2pix/node and using its pictures changes no setting of sharp", () => {
  const script = `
    const { nodePlatform } = await import("./src/node/index.ts");
    const { images } = await nodePlatform();
    await images.encodePng(await images.decode(picture));`;
  expect(run(script)).toEqual([3, 17, 5, 11]);
});

it("a command has one thread a picture and no cache", () => {
  const script = `
    const { loadPlatform } = await import("./src/cli/platform.ts");
    await loadPlatform();`;
  expect(run(script)).toEqual([1, 0, 0, 0]);
});
