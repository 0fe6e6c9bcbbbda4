/** Files and folders that are not what they seem: pipes, devices, links that lead nowhere or back, a disk that is full. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findPairs } from "../../src/data/pairs.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { bin } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("odd");
const at = (...path: string[]) => join(work, ...path);

/** Runs the program; a minute without an end counts as an endless loop. */
function program(line: string, shell = (command: string) => command) {
  const command = shell(`"$0" "$1" ${line}`);
  const result = spawnSync("bash", ["-c", command, process.execPath, bin], {
    cwd: work,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

const small = "--netG unet_32 --ngf 4 --ndf 4 --crop-size 32 --load-size 36 --threads 1 --device cpu";

beforeAll(async () => {
  await writeDemo({ files, images }, at("data"), { train: 4, test: 3, size: 32, seed: 1 });
  const { code, err } = program(`train --dataroot data --name r ${small} --max-steps 2`);
  expect(code, err).toBe(0);
}, 120_000);

describe("translate", () => {
  it("names a link that leads nowhere, and goes on with the others", () => {
    cpSync(at("data/testA"), at("links"), { recursive: true });
    symlinkSync("nowhere.png", at("links/broken.png"));
    const { code, err } = program("translate --name r --input links --out o1");
    expect(err).toMatch(/links\/broken\.png: cannot read .*broken\.png: there is no such file or folder \(ENOENT\)/);
    expect(err).toContain("1 of 4 pictures could not be translated");
    expect(code).toBe(1);
    expect(readdirSync(at("o1")).length).toBe(3);
    expect(program("translate --name r --input links --out o2 --skip-bad-images").code).toBe(0);
  });

  it.skipIf(process.platform === "win32")("refuses a device and a pipe at once, alone and in a folder", () => {
    expect(program("translate --name r --input /dev/zero --out o3").err).toContain(
      "it is a pipe, a socket or a device",
    );
    mkdirSync(at("pipes"));
    cpSync(at("data/testA"), at("pipes"), { recursive: true });
    expect(spawnSync("mkfifo", [at("pipes/x.png")]).status).toBe(0);
    const { code, err } = program("translate --name r --input pipes --out o4");
    expect(err).toMatch(/pipes\/x\.png: cannot read .*it is a pipe/);
    expect(code).toBe(1);
    expect(readdirSync(at("o4")).length).toBe(3);
  });

  it.skipIf(process.platform === "win32")(
    "ends at the first output that cannot be written, with or without --skip-bad-images",
    () => {
      for (const skip of ["", "--skip-bad-images"]) {
        // A limit on the size of files stands for a full disk: pictures are read, outputs cannot be written.
        const { code, out, err } = program(
          `translate --name r --input data/testA --out full ${skip}`,
          (c) => `ulimit -f 1; exec ${c}`,
        );
        expect(err).toMatch(
          /^error: cannot write .*full\/.*\.png: the file is larger than this system allows \(EFBIG\)/m,
        );
        expect(err).not.toContain("mend");
        expect(out).not.toContain("translated");
        expect(code).toBe(1);
      }
    },
  );
});

describe("folders", () => {
  it("links that lead back to a folder above them are left out", async () => {
    cpSync(at("data"), at("loops"), { recursive: true });
    symlinkSync("..", at("loops/trainA/up"));
    symlinkSync("../..", at("loops/trainA/further"));
    mkdirSync(at("loops/trainB/more"));
    symlinkSync("../../trainB", at("loops/trainB/more/again"));
    const { pairs } = await findPairs(files, at("loops"));
    expect(pairs.length).toBe(4);
  });

  it("a link to another folder is followed", async () => {
    mkdirSync(at("linked"));
    for (const side of ["trainA", "trainB"]) symlinkSync(at("data", side), at("linked", side));
    expect((await findPairs(files, at("linked"))).pairs.length).toBe(4);
  });

  it.skipIf(!existsSync("/proc/1"))("one that cannot be made is refused at once", () => {
    const { code, err } = program(`train --dataroot data --name r ${small} --checkpoints-dir /proc/1/x`);
    expect(err).toMatch(/^error: cannot (lock|write) \/proc\/1\/x\/.*: /m);
    expect(code).toBe(1);
  });

  it("a file where a folder is to be made is named as such", () => {
    writeFileSync(at("file"), "");
    const { err } = program(`train --dataroot data --name r ${small} --checkpoints-dir file`);
    expect(err).toMatch(
      /^error: cannot (lock|write|look at) file\/.*: a part of the path is a file, not a folder \(ENOTDIR\)/m,
    );
  });
});
