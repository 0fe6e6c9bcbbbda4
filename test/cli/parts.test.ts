/** Work in parts: translate and test with --shard, and test --merge with the numbers of a test in one go. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { test } from "../../src/cli/commands/test.ts";
import { translate } from "../../src/cli/commands/translate.ts";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { train } from "../../src/training/train.ts";
import { workFolder } from "../work-folder.ts";
import { runIn } from "./run.ts";

const work = workFolder("parts");
const at = (...path: string[]) => join(work, ...path);
const platform = await nodePlatform({ threads: 1 });
const runs = { checkpointsDir: at("runs"), name: "a", threads: "1", device: "cpu" };
const lines: string[] = [];
const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };

/** All files below a folder with their bytes, but for the page, which has a time, and for the parts' scores. */
const contents = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => statSync(join(folder, path)).isFile() && !path.startsWith("parts") && path !== "index.html")
      .sort()
      .map((path) => [path, readFileSync(join(folder, path)).toString("base64")]),
  );

beforeAll(async () => {
  await writeDemo(platform, at("data"), { train: 2, test: 7, size: 64, seed: 1 });
  const small = {
    netG: "unet_64",
    ngf: 16,
    ndf: 2,
    nLayersD: 1,
    netD: "n_layers",
    cropSize: 64,
    loadSize: 64,
  } as const;
  const place = { dataroot: at("data"), name: "a", checkpointsDir: at("runs"), direction: "BtoA" } as const;
  await train(parseConfig({ ...place, ...small, maxSteps: 1, threads: 1, initGain: 0.2, device: "cpu" }), platform);
}, 120_000);

describe("translate", () => {
  const run = (given: object) =>
    translate.run({ ...runs, input: at("data/testB"), out: at("whole"), ...given }, output);

  it("gives the bytes of one picture after the other, whole or in parts", async () => {
    expect(await run({})).toBe(0);
    const whole = contents(at("whole"));
    expect(Object.keys(whole).length).toBe(7);
    const translator = await openTranslator({ ...runs, threads: 1, device: "cpu" }, platform);
    for (const file of Object.keys(whole)) {
      const input = await platform.images.decode(readFileSync(at("data/testB", file)));
      const picture = await translator.translate(input, { name: file.replace(".png", "") });
      expect(Buffer.from(await platform.images.encodePng(picture)).toString("base64")).toBe(whole[file]);
    }
    await translator.close();
    for (const shard of ["3/3", "1/3", "2/3"]) expect(await run({ out: at("parts"), shard })).toBe(0);
    expect(contents(at("parts"))).toEqual(whole);
    expect(await run({ out: at("some"), shard: "2/3" })).toBe(0);
    expect(Object.keys(contents(at("some")))).toEqual(["facade_0002.png", "facade_0005.png"]);
    expect(await run({ out: at("none"), shard: "9/9" })).toBe(0);
    expect(lines.at(-1)).toBe("Nothing to do: this part has no pictures.");
  });

  it("--skip-existing leaves whole outputs alone and does the others", async () => {
    writeFileSync(at("some/facade_0002.png"), "kept");
    lines.length = 0;
    await run({ out: at("some"), skipExisting: true });
    expect(lines.join("\n")).toMatch(/^5 pictures translated in .*; 2 were there already/);
    const { "facade_0002.png": kept, ...others } = contents(at("some"));
    expect(Buffer.from(kept!, "base64").toString()).toBe("kept");
    expect({ ...others, "facade_0002.png": contents(at("whole"))["facade_0002.png"] }).toEqual(contents(at("whole")));
    await run({ out: at("some"), skipExisting: true });
    expect(lines.at(-1)).toBe("Nothing to do: 7 pictures were there already.");
    await run({ out: at("samples"), samples: "2", shard: "1/7" });
    rmSync(at("samples/facade_0001_spread.png"));
    lines.length = 0;
    await run({ out: at("samples"), samples: "2", shard: "1/7", skipExisting: true });
    expect(lines.join("\n")).toMatch(/^1 picture translated/m);
  });

  it("--json-lines prints a line for each picture and nothing else on standard output", async () => {
    writeFileSync(at("data/testB/broken.png"), "no picture");
    const line = `translate --name a --input data/testB --out json --threads 1 --device cpu --json-lines --samples 2`;
    const { code, out, err } = await runIn(work, line);
    rmSync(at("data/testB/broken.png"));
    expect(code).toBe(1);
    const found = out
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(found.length).toBe(8);
    expect(found[0]).toEqual({
      input: "data/testB/broken.png",
      error: expect.stringMatching(/^not a readable picture/),
    });
    expect(found[1]).toEqual({
      input: "data/testB/facade_0001.png",
      width: 64,
      height: 64,
      seconds: expect.any(Number),
      written: ["json/facade_0001_1.png", "json/facade_0001_2.png", "json/facade_0001_spread.png"],
    });
    expect(err).toMatch(/7 of 8 pictures translated/);
  });

  it("does the part of a job array's task", async () => {
    const task = { JOB_COMPLETION_INDEX: "1", JOB_COMPLETIONS: "3" };
    Object.assign(process.env, task);
    try {
      lines.length = 0;
      await run({ out: at("task") });
      expect(lines[0]).toMatch(/^note: part 2 of 3, by JOB_COMPLETION_INDEX/);
      expect(contents(at("task"))).toEqual({
        "facade_0002.png": contents(at("whole"))["facade_0002.png"],
        "facade_0005.png": contents(at("whole"))["facade_0005.png"],
      });
    } finally {
      for (const name of Object.keys(task)) delete process.env[name];
    }
  });
});

describe("test", () => {
  const run = (given: object) => test.run({ ...runs, resultsDir: at("one"), ...given }, output);
  const result = (results: string) => {
    const { secondsPerImage, ...rest } = JSON.parse(readFileSync(at(results, "a/test_latest/metrics.json"), "utf8"));
    expect(secondsPerImage).toBeGreaterThan(0);
    return rest;
  };
  const pictures = (results: string) => contents(at(results, "a/test_latest/images"));
  /** The page without its time. */
  const page = (results: string) =>
    readFileSync(at(results, "a/test_latest/index.html"), "utf8").replace(/<time.*?<\/time>/g, "");

  it.each([
    ["plain", {}],
    ["samples", { samples: "2", palette: "auto" }],
    ["flat", { keepSize: true, skipBadImages: true }],
  ])("in parts gives the very numbers, pictures and page of one run: %s", async (kind, given) => {
    if (kind === "flat") {
      // PSNR and sharpness are not defined for some pairs, and one pair cannot be decoded.
      const flat = { width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(90) };
      await platform.files.write(at("data/testA/facade_0003.png"), await platform.images.encodePng(flat));
      writeFileSync(at("data/testA/facade_0006.png"), "no picture");
    }
    const [one, parts] = [`one-${kind}`, `parts-${kind}`];
    expect(await run({ ...given, resultsDir: at(one) })).toBe(0);
    for (const shard of ["2/4", "4/4", "1/4", "3/4"]) await run({ ...given, resultsDir: at(parts), shard });
    expect(existsSync(at(parts, "a/test_latest/metrics.json"))).toBe(false);
    lines.length = 0;
    expect(await run({ resultsDir: at(parts), merge: true })).toBe(0);
    expect(result(parts)).toEqual(result(one));
    expect(pictures(parts)).toEqual(pictures(one));
    const timeless = (results: string) => page(results).replace(/\S+ s each/g, "");
    expect(timeless(parts)).toBe(timeless(one));
    expect(lines.join("\n")).toMatch(/Put together from 4 parts\.$/);
    if (kind === "flat")
      expect(lines.join("\n")).toMatch(/left out: .*facade_0006\.png.*sharpness is not defined for 1 of 6/s);
  });

  it("--merge names parts that are missing, of two counts, or of different tests", async () => {
    const resultsDir = at("missing");
    await expect(run({ resultsDir, merge: true })).rejects.toThrow(/there are no parts in .*missing/);
    await run({ resultsDir, shard: "2/3", numTest: "2" });
    await expect(run({ resultsDir, merge: true })).rejects.toThrow(
      /2 of 3 parts are not done yet: 1, 3\. .*--shard 1\/3/,
    );
    for (const shard of ["1/3", "3/3"]) await run({ resultsDir, shard, numTest: "2", eval: true });
    const different = /parts in .* are of different tests: 2 and 1 of 3 differ in dropout, statistics/;
    await expect(run({ resultsDir, merge: true })).rejects.toThrow(different);
    await run({ resultsDir, shard: "1/4", numTest: "2" });
    await expect(run({ resultsDir, merge: true })).rejects.toThrow(/has parts of 3 and of 4; remove/);
  });

  it("does not write over the parts of another run of its name, done or being done", async () => {
    for (const folder of ["first", "second", "third"]) cpSync(at("runs/a"), at(folder, "a"), { recursive: true });
    const resultsDir = at("named");
    const part = (folder: string, shard: string, more: object = {}) =>
      run({ resultsDir, checkpointsDir: at(folder), shard, numTest: "2", ...more });
    const parts = () => contents(at("named/a/test_latest/parts"));
    await part("first", "1/2");
    const before = parts();
    expect(Object.keys(before)).toEqual(["1-of-2.json"]);
    const other = (folder: string) =>
      `${resultsDir}/a/test_latest has the results of ${at("first")}/a, and ${at(folder)}/a has the same name.`;
    for (const shard of ["1/2", "2/2"]) await expect(part("second", shard)).rejects.toThrow(other("second"));
    await expect(part("second", "1/2", { skipExisting: true })).rejects.toThrow(other("second"));
    await expect(part("second", "1/1")).rejects.toThrow(other("second"));
    await expect(run({ resultsDir, checkpointsDir: at("second"), merge: true })).rejects.toThrow(other("second"));
    expect(parts()).toEqual(before);
    // One that is being done, or was killed, counts, too: it has written pictures.
    rmSync(at("named/a/test_latest/parts/1-of-2.json"));
    writeFileSync(at("named/a/test_latest/parts/2-of-2.begun.json"), JSON.stringify({ source: at("first/a") }));
    await expect(part("second", "1/2")).rejects.toThrow(other("second"));
    // Parts are put together where their run is not, and a run that was moved is the same run.
    await expect(run({ resultsDir, checkpointsDir: at("nowhere"), merge: true })).rejects.toThrow(/no parts in/);
    rmSync(at("first"), { recursive: true });
    for (const shard of ["1/2", "2/2"]) await part("third", shard);
    expect(Object.keys(parts())).toEqual(["1-of-2.json", "2-of-2.json"]);
    expect(await run({ resultsDir, checkpointsDir: at("third"), merge: true })).toBe(0);
  });

  it("has one writer: a second test of the same results is refused, and one that was killed is in nobody's way", async () => {
    const resultsDir = at("twice");
    const test = (more: object) => run({ resultsDir, numTest: "2", ...more });
    // Pictures of two seeds differ.
    const seeds = ["1", "2"];
    const both = await Promise.allSettled(seeds.map((seed) => test({ seed })));
    const refusals = both.flatMap((each) => (each.status === "rejected" ? [(each.reason as Error).message] : []));
    expect(refusals).toEqual([
      expect.stringMatching(
        /^The results in .*twice\/a\/test_latest are being written by process \d+ on .*Wait until it ends.*remove .*\.test_latest\.lock\.$/,
      ),
    ]);
    const written = seeds[both.findIndex(({ status }) => status === "fulfilled")]!;
    expect(result("twice")).toMatchObject({ seed: Number(written), images: 2 });
    await run({ resultsDir: at("alone"), numTest: "2", seed: written });
    expect(pictures("twice")).toEqual(pictures("alone"));
    expect(readdirSync(at("twice/a"))).toEqual(["test_latest"]);

    // While one writes all results, no part is done, and the other way round; other parts are.
    const whole = at("twice/a/.test_latest.lock");
    const release = await platform.files.lock!(whole, "A test");
    const holder = readFileSync(whole, "utf8");
    for (const more of [{ shard: "1/2" }, { merge: true }, {}]) {
      await expect(test(more)).rejects.toThrow(/^The results in .*twice\/a\/test_latest are being written by process/);
    }
    await release();
    const releasePart = await platform.files.lock!(at("twice/a/test_latest/parts/1-of-2.lock"), "A part");
    for (const more of [{}, { merge: true }]) {
      await expect(test(more)).rejects.toThrow(
        /^A part of the test in .* is being computed by process \d+ on .*Wait until it ends or stop it, or give another --results-dir\.$/,
      );
    }
    await expect(test({ shard: "1/2" })).rejects.toThrow(
      /^The part 1-of-2 of the test in .* is being computed by process/,
    );
    expect(await test({ shard: "2/2" })).toBe(0);
    await releasePart();
    // It may have been killed on another machine a moment ago.
    const elsewhere = { id: "x", pid: 1, host: "elsewhere", space: "other", ticks: "", since: "noon" };
    const partLock = at("twice/a/test_latest/parts/1-of-2.lock");
    writeFileSync(partLock, JSON.stringify(elsewhere));
    await expect(test({ merge: true })).rejects.toThrow(/is being computed by process 1 on elsewhere, since noon/);
    expect(await test({ shard: "1/2" })).toBe(0);
    rmSync(partLock);
    expect(Object.keys(contents(at("twice/a/test_latest/parts")))).toEqual(["1-of-2.json", "2-of-2.json"]);

    // The process that holds the lock has ended, and another one has its number: start times can be read on Linux.
    const { ticks } = JSON.parse(holder) as { ticks: string };
    if (ticks !== "") writeFileSync(whole, JSON.stringify({ ...JSON.parse(holder), id: "another", ticks: "1" }));
    expect(await test({})).toBe(0);
    expect(existsSync(whole)).toBe(false);
  });

  it("parts of the running average, of another one, and of the weights themselves are of different tests", async () => {
    const average = at("averaged/a/latest_net_G_ema.safetensors");
    cpSync(at("runs/a"), at("averaged/a"), { recursive: true });
    const part = (shard: string, more: object = {}) =>
      run({ resultsDir: at("average"), checkpointsDir: at("averaged"), shard, numTest: "2", ...more });
    const merge = () => run({ resultsDir: at("average"), checkpointsDir: at("averaged"), merge: true });
    const different = /parts in .* are of different tests: 2 and 1 of 2 differ in weights/;
    cpSync(at("averaged/a/latest_net_G.safetensors"), average);
    await part("1/2", { rawWeights: true });
    // The average has the very values of the weights.
    await part("2/2");
    expect(await merge()).toBe(0);
    // It is that of another step: a bit of the last value differs.
    const bytes = readFileSync(average);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(average, bytes);
    lines.length = 0;
    await part("2/2", { skipExisting: true });
    expect(lines.join("\n")).toMatch(/Part 2 of 2: 1 of 2 pairs/);
    await expect(merge()).rejects.toThrow(different);
    await part("1/2");
    expect(await merge()).toBe(0);
  });

  it("--skip-existing leaves a part alone that is done with these settings, and no other", async () => {
    const given = { resultsDir: at("skip"), shard: "1/4", skipExisting: true, numTest: "4" };
    await run(given);
    lines.length = 0;
    await run(given);
    expect(lines.join("\n")).toMatch(/^Part 1 of 4 is done already/m);
    lines.length = 0;
    await run({ ...given, eval: true });
    expect(lines.join("\n")).toMatch(/Part 1 of 4: 1 of 4 pairs/);
  });
});
