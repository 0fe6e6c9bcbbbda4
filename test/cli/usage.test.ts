/** Help, and command lines that are wrong: the program in a process of its own, in an empty folder. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { optionsFile, optionsPage } from "../../src/cli/docs.ts";
import { workFolder } from "../work-folder.ts";
import { runIn } from "./run.ts";

const work = workFolder("usage");
const at = (path: string) => join(work, path);
const run = (args: string) => runIn(work, args);

describe("help", () => {
  it("is short for the program, with examples", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    expect(out.split("\n").length).toBeLessThan(50);
    for (const command of ["train", "translate", "test", "inspect", "demo"]) {
      expect(out).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
    expect(out).toContain("npx pix2pix train --dataroot");
  });

  it("of train groups options, with defaults and units", async () => {
    const { code, out } = await run("train --help-all");
    expect(code).toBe(0);
    const groups = out.match(/^[A-Z][a-z]+:$/gm);
    const expected = [
      "Data:",
      "Networks:",
      "Objective:",
      "Schedule:",
      "Validation:",
      "Features:",
      "Run:",
      "Watching:",
      "Device:",
      "Options:",
      "Examples:",
    ];
    expect(groups).toEqual(expected);
    const text = out.replace(/\s+/g, " ");
    expect(text).toContain("--crop-size <px> width (and height) of the networks' input (1 to 32768; default 256 px)");
    expect(text).toMatch(
      /--netG <choice> .*\(default unet_256\) unet_32: U-Net of 5 levels, .* article: the seed article's/,
    );
    expect(text).toMatch(/--direction <choice> .*\(AtoB, BtoA; default AtoB\)/);
    expect(text).toMatch(/--no-flip never mirror/);
    expect(text).toMatch(/--save-latest-freq <steps> .*\(default 500 steps\)/);
    const options = out.slice(0, out.indexOf("Examples:"));
    expect(options.split("\n").every((line) => line.length <= 80)).toBe(true);
  });

  it("is the same by every way to ask for it", async () => {
    const asked = async (lines: string[]) =>
      new Set((await Promise.all(lines.map((line) => run(line)))).map((e) => e.out));
    for (const lines of [
      ["--help", "-h", "help", "help --help"],
      ["data --help", "data help", "help data", "data -h"],
      ["data split --help", "help data split", "data help split", "data split help", "data split --out x -h"],
    ]) {
      const [text, ...others] = await asked(lines);
      expect(others, lines[0]).toEqual([]);
      expect(text).toMatch(/^Usage: pix2pix /);
    }
    expect(await run("help data spilt")).toMatchObject({
      code: 2,
      err: expect.stringContaining("did you mean data split?"),
    });
  });

  it("goes to standard error, with exit code 2, when there is no command", async () => {
    const { code, out, err } = await run("");
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("Usage: pix2pix COMMAND");
  });

  it("prints the version of package.json", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    for (const flag of ["--version", "-V", "-v"]) {
      expect(await run(flag), flag).toMatchObject({ code: 0, out: `${version}\n` });
    }
  });

  it("docs/options.md is what npm run docs makes", () => {
    expect(readFileSync(optionsFile, "utf8")).toBe(optionsPage());
  });
});

describe("a wrong command line", () => {
  it.each([
    ["trian", /unknown command trian; did you mean train\?/],
    ["hlep", /unknown command hlep; did you mean help\?/],
    ["combine --fold-A a", /unknown command combine; did you mean data combine\?/],
    ["datasets/combine_A_and_B.py --fold_A a", /2 options are wrong:\n {2}--fold-B is missing/],
    [
      "./scripts/download_pix2pix_model.sh facades_label2photo",
      /download_pix2pix_model\.sh: weights are not downloaded here; .*pix2pix import FILE/,
    ],
    ["tools/process.py --operation resize", /tools\/process\.py: use pix2pix data resize, blank/],
    ["train --dataroot data --debug", /unknown option --debug$/m],
    ["--dataroot data", /--dataroot stands before the command/],
    ["train --lamda-l1 3", /unknown option --lamda-l1; did you mean --lambda-l1\?/],
    ["train --dataroot data --netG unet_265", /--netG: got "unet_265", expected unet_32, .*did you mean unet_/],
    [
      "train --dataroot data --gan_mode=lsgn",
      /--gan-mode: got "lsgn", expected vanilla, lsgan, wgangp or hinge; did you mean lsgan\?/,
    ],
    ["train --dataroot data --ngf 0", /--ngf: got 0, expected a whole number from 1 to 4096/],
    ["train --dataroot data --max-steps ten", /--max-steps: got "ten", expected a whole number/],
    ["train --dataroot data --crop-size 250", /--crop-size 250: unet_256 halves the picture 8 times.*nearest 256/],
    ["train --dataroot data --crop-size 512", /--load-size: got 286, expected at least --crop-size 512; 572/],
    ["train", /--dataroot is missing/],
    ["train --dataroot", /--dataroot needs a value/],
    ["train --dataroot data --model cycle_gan", /--model: got "cycle_gan", expected pix2pix/],
    ["translate --name x", /2 options are wrong:\n {2}--input is missing.*\n {2}--out is missing/],
    ["translate --name x --lambda-l2 3", /unknown option --lambda-l2/],
    ["test --name x --num-test 0", /--num-test: got 0/],
    ["inspect --dataroot data --draws many", /--draws: got "many"/],
    ["demo --size 100", /--size: got "100", expected 32, 64, 128 or 256/],
  ])("%s", async (line, message) => {
    const { code, out, err } = await run(line);
    expect(err).toMatch(message);
    expect(err).toMatch(/^See: pix2pix .*--help$/m);
    expect(err).not.toMatch(/^ +at /m);
    expect([code, out]).toEqual([2, ""]);
    expect(existsSync(at("runs"))).toBe(false);
  });
});

it("control characters of names reach the terminal as escapes", async () => {
  const { code, err } = await run("train --data\x1b[2Jroot\x07 \x9b2J");
  expect([code, err]).toEqual([2, expect.stringContaining("unknown option --data\\x1b[2Jroot\\x07")]);
  const translated = await run("translate --name a\x1b[2J\nb --input \x9b2J --out \r");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not appear
  expect(translated.err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(translated.code).toBe(2);
  mkdirSync(at("names"));
  writeFileSync(at("names/a\x1b[2J\nerror: \x07.png"), "no picture");
  const gray = await run("data grayscale --input names --out gray");
  expect(gray.err.split("\n")[0]).toMatch(/^names.a\\x1b\[2J\\nerror: \\x07\.png: not a readable picture/);
});
