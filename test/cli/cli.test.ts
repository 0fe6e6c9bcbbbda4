/** The program as a user starts it: bin/pix2pix.js in a process of its own, on pictures that it drew itself. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { l1 } from "../../src/metrics/pictures.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { Run } from "../../src/run/run.ts";
import { workFolder } from "../work-folder.ts";
import { runIn } from "./run.ts";

const work = workFolder("cli");
const at = (...path: string[]) => join(work, ...path);

/** Milliseconds: every file is stored on the disk before it counts as written, which a busy machine takes its time for. */
const patience = 120_000;

type During = Parameters<typeof runIn>[2];
const run = (args: string, during?: During) => runIn(work, args, during);
const small = "--netG unet_32 --ngf 4 --ndf 4 --crop-size 32 --load-size 36 --threads 1 --device cpu";
const readJson = (path: string) => JSON.parse(readFileSync(at(path), "utf8"));
const bytes = (path: string) => readFileSync(at(path)).toString("base64");
const decode = (path: string) => images.decode(readFileSync(at(path)));

beforeAll(async () => {
  await writeDemo({ files, images }, at("data"), { train: 5, test: 3, size: 32, seed: 1 });
}, patience);

describe("train", () => {
  it("takes any spelling, explains options of upstream's, prints plain lines, and leaves a run", async () => {
    const line = `train --dataroot data --name a --lambda_L1 50 --n_layers_D=2 --netD n_layers --no_flip ${small}`;
    const { code, out, err } = await run(`${line} --gpu_ids -1 --model pix2pix --max-steps 7 --print_freq 3`);
    expect(err).toBe("note: --gpu_ids -1: taken as --device cpu\n");
    expect(code).toBe(0);
    expect(out.match(/step: (\d+)\/7/g)).toEqual(["step: 3/7", "step: 6/7", "step: 7/7"]);
    expect(out).not.toContain("\r");
    expect(out).toContain("runs/a/index.html");
    expect(readJson("runs/a/config.json")).toMatchObject({
      lambdaL1: 50,
      nLayersD: 2,
      netD: "n_layers",
      noFlip: true,
      netG: "unet_32",
      cropSize: 32,
      device: "cpu",
    });
    const log = readFileSync(at("runs/a/loss_log.jsonl"), "utf8").trim().split("\n");
    expect(log.map((text) => JSON.parse(text).step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const file of ["latest_net_G.safetensors", "latest_net_D.safetensors", "index.html"]) {
      expect(existsSync(at("runs/a", file)), file).toBe(true);
    }
  });

  it("goes on with only a name, to the same bytes as a run that was not stopped", async () => {
    expect((await run(`train --dataroot data --name whole --max-steps 7 ${small}`)).code).toBe(0);
    expect((await run(`train --dataroot data --name parts --max-steps 3 ${small}`)).code).toBe(0);
    expect((await run("train --name parts --continue_train --max_steps 7")).code).toBe(0);
    for (const net of ["latest_net_G", "latest_net_D", "latest_state"]) {
      expect(bytes(`runs/parts/${net}.safetensors`) === bytes(`runs/whole/${net}.safetensors`), net).toBe(true);
    }
    const { out } = await run("train --name parts --continue-train");
    expect(out).toMatch(/Nothing left to do: the run is at step 7, the limit of --max-steps\./);
    const early = await run("train --name parts --continue-train --max-steps 3");
    expect(early.out).toMatch(
      /step 7, beyond --max-steps 3, which is not stored in the run\..* such as --max-steps 14\./,
    );
  });

  it("refuses to go on with other networks or draws, or with a run that is not there", async () => {
    const { code, err } = await run("train --name parts --continue-train --ngf 8 --seed 3");
    expect(code).toBe(2);
    expect(err).toMatch(/--ngf: got 8, but the run "parts" has 4 and must keep it/);
    expect(err).toMatch(/--seed: got 3/);
    const missing = await run("train --name part --continue-train");
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/no run "part".*Did you mean parts\? Runs in runs: a, parts, whole/);
  });

  it("says how the run goes on where a file cannot be written", async () => {
    mkdirSync(at("runs/parts/iter_9_net_G.safetensors"));
    const line = "train --name parts --continue-train --max-steps 12 --save-latest-freq 9 --save-by-iter";
    const { code, err } = await run(line);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: cannot write runs\/parts\/iter_9_net_G\.safetensors: it is a folder, not a file/);
    expect(err).toMatch(
      /\nThe run then goes on from its last checkpoint with:\n {2}npx pix2pix train --name parts --continue-train\n$/,
    );
    rmSync(at("runs/parts/iter_9_net_G.safetensors"), { recursive: true });
    expect((await run("train --name parts --continue-train --max-steps 9")).code).toBe(0);
  });

  it("refuses a name that is taken, and leaves that run as it is", async () => {
    const before = bytes("runs/whole/latest_net_G.safetensors");
    const { code, err } = await run(`train --dataroot data --name whole --max-steps 1 ${small}`);
    expect([code, err]).toEqual([1, expect.stringMatching(/exists.*--continue-train/)]);
    expect(bytes("runs/whole/latest_net_G.safetensors")).toBe(before);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 99],
    ["SIGUSR1", 99],
  ] as const)("saves at %s, says how to go on, and exits with %i", async (signal, code) => {
    let sent = false;
    const ended = await run(`train --dataroot data --name ${signal} --print-freq 1 ${small}`, (out, kill) => {
      if (sent || !/step: 4/.test(out)) return;
      sent = true;
      kill(signal);
    });
    expect(ended.code).toBe(code);
    const step = Number(/Stopped and saved in runs\/\w+ \(step (\d+)/.exec(ended.out)?.[1]);
    expect(step).toBeGreaterThanOrEqual(4);
    expect(step).toBeLessThan(1000);
    const again = /npx pix2pix (train .*)/.exec(ended.out)?.[1];
    expect(again).toBe(`train --name ${signal} --continue-train`);
    const more = await run(`${again} --max-steps ${step + 1} --print-freq 1`);
    expect(more.code).toBe(0);
    expect(more.out.match(/step: \d+\//g)).toEqual([`step: ${step + 1}/`]);
  });
});

it("train --continue-train if-present begins a run, goes on with it, and has nothing to do at its end", async () => {
  const line = `train --dataroot data --name again --continue-train if-present --print-freq 1 ${small}`;
  const began = await run(`${line} --max-steps 2`);
  expect([began.code, began.out.match(/step: \d+\//g)]).toEqual([0, ["step: 1/", "step: 2/"]]);
  const more = await run(`${line} --max-steps 3`);
  expect([more.code, more.out.match(/step: \d+\//g)]).toEqual([0, ["step: 3/"]]);
  const end = await run(
    `${line.replace("if-present", "").replace("--continue-train", "--continue-train=if-present")} --max-steps 3`,
  );
  expect([end.code, end.out]).toEqual([0, expect.stringMatching(/Nothing left to do: the run is at step 3/)]);
  const wrong = await run(`${line.replace("if-present", "maybe")}`);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/got "maybe"/)]);
});

describe("bad data", () => {
  beforeAll(async () => {
    mkdirSync(at("empty"));
    mkdirSync(at("text/train"), { recursive: true });
    writeFileSync(at("text/train/readme.txt"), "no pictures");
    await writeDemo({ files, images }, at("lonely"), { train: 3, test: 0, size: 32, seed: 1 });
    rmSync(at("lonely/trainB/facade_0002.png"));
    await writeDemo({ files, images }, at("broken"), { train: 3, test: 0, size: 32, seed: 1 });
    const whole = readFileSync(at("broken/trainB/facade_0002.png"));
    writeFileSync(at("broken/trainB/facade_0002.png"), whole.subarray(0, whole.length / 2));
    const flat = (width: number) =>
      images.encodePng({ width, height: 32, channels: 1, data: new Uint8Array(width * 32) });
    await files.write(at("odd/train/1.png"), await flat(63));
    await files.write(at("tiny/train/1.png"), await flat(32));
  }, patience);

  it.each([
    ["nowhere", "", /nowhere.*does not exist/],
    ["empty", "", /empty/],
    ["text", "", /no pairs.*folders \(.*cmp \(.*aligned \(.*Found: train\/: 1 \.txt/s],
    ["lonely", "", /no partner.*facade_0002.*--skip-unpaired/s],
    ["broken", "", /broken\/trainB\/facade_0002\.png.*--skip-bad-images/s],
    ["odd", "", /odd\/train\/1\.png: the width is odd \(63x32\)/],
    ["tiny", "", /tiny\/train\/1\.png is 32x32.*--dataset-mode aligned/],
    ["tiny", "--dataset-mode aligned --preprocess crop", /16x32, below the crop of 32x32/],
    [
      "tiny",
      "--dataset-mode aligned --preprocess none",
      /--netD basic: its map is empty for pictures of 16x32 .*--n-layers-d of at most 2/,
    ],
    ["data", "--init-g runs/x.safetensors", /runs\/x\.safetensors/],
    ["data", "--init-g runs/whole/latest_net_D.safetensors", /latest_net_D\.safetensors.*model/],
  ])("%s %s", async (dataroot, more, message) => {
    const { code, err } = await run(`train --dataroot ${dataroot} --name bad --max-steps 3 ${small} ${more}`);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(more.includes("none") ? 2 : 1);
    rmSync(at("runs/bad"), { recursive: true, force: true });
  });

  it("broken: a training that leaves bad pictures out names each once", async () => {
    const { code, out } = await run(`train --dataroot broken --name left --max-steps 6 ${small} --skip-bad-images`);
    expect(code).toBe(0);
    expect(out.match(/^left out: .*/gm)).toEqual([
      expect.stringMatching(/broken\/trainB\/facade_0002\.png: not a readable picture \(\d+ bytes\)/),
    ]);
  });

  it("is left out where that is asked for", async () => {
    for (const line of ["--dataroot lonely --skip-unpaired", "--dataroot broken --skip_bad_images"]) {
      const { code, err } = await run(`train ${line} --name rest --max-steps 3 ${small}`);
      expect([code, err], line).toEqual([0, expect.anything()]);
      rmSync(at("runs/rest"), { recursive: true });
    }
  });

  it("of a run: a damaged checkpoint is named", async () => {
    const file = "runs/cut/latest_net_G.safetensors";
    mkdirSync(at("runs/cut"), { recursive: true });
    for (const name of readdirSync(at("runs/a"))) {
      if (/json$|safetensors$/.test(name)) copyFileSync(at("runs/a", name), at("runs/cut", name));
    }
    writeFileSync(at(file), readFileSync(at(file)).subarray(0, 1000));
    for (const line of ["translate --name cut --input data/testA --out x", "train --name cut --continue-train"]) {
      const { code, err } = await run(line);
      expect([code, err], line).toEqual([1, expect.stringContaining(file)]);
    }
  });
});

describe("translate", () => {
  beforeAll(async () => {
    const picture = (n: number) => `data/testA/facade_000${n}.png`;
    for (const folder of ["in/deep/er", "in/.hidden"]) mkdirSync(at(folder), { recursive: true });
    copyFileSync(at(picture(1)), at("in/one.png"));
    copyFileSync(at(picture(2)), at("in/deep/er/two words.png"));
    copyFileSync(at(picture(2)), at("in/.hidden/three.png"));
    writeFileSync(at("in/notes.txt"), "not a picture");
    mkdirSync(at("words"));
    copyFileSync(at("in/notes.txt"), at("words/notes.txt"));
  }, patience);

  it("keeps the paths below a folder, writes PNGs of the run's size, and needs only the name", async () => {
    const { code, out, err } = await run("translate --name a --input in --out out/pictures");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/2 pictures translated/);
    expect(out).toContain("out/pictures");
    expect(readdirSync(at("out/pictures"), { recursive: true }).sort()).toEqual([
      ...["deep", "deep/er", "deep/er/two words.png", "one.png"],
    ]);
    expect(await decode("out/pictures/one.png")).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect(bytes("out/pictures/one.png")).not.toBe(bytes("out/pictures/deep/er/two words.png"));
  });

  it("takes one file, into a folder or to a named PNG", async () => {
    expect((await run("translate --name a --input in/one.png --out single")).code).toBe(0);
    expect((await run("translate --name a --input in/one.png --out named/result.png")).code).toBe(0);
    expect(bytes("single/one.png")).toBe(bytes("named/result.png"));
  });

  it("never overwrites an input", async () => {
    const before = bytes("in/one.png");
    for (const line of ["--input in --out in", "--input in --out ./data/../in/", "--input in/one.png --out in"]) {
      const { code, err } = await run(`translate --name a ${line}`);
      expect([code, err], line).toEqual([2, expect.stringMatching(/--out: .*overwri/)]);
    }
    expect(bytes("in/one.png")).toBe(before);
  });

  it("leaves earlier outputs inside the input folder out, and tells files of one stem apart", async () => {
    mkdirSync(at("twins"));
    copyFileSync(at("in/one.png"), at("twins/x.png"));
    copyFileSync(at("in/one.png"), at("twins/x.jpg"));
    for (let time = 0; time < 2; time++) {
      expect((await run("translate --name a --input twins --out twins/out")).out).toMatch(/^2 pictures/);
    }
    expect(readdirSync(at("twins/out"))).toEqual(["x.jpg.png", "x.png.png"]);
  });

  it("names a bad picture, does the rest, and exits with 1, or 0 with --skip-bad-images", async () => {
    mkdirSync(at("mixed"));
    copyFileSync(at("in/one.png"), at("mixed/good.png"));
    writeFileSync(at("mixed/bad.png"), readFileSync(at("in/one.png")).subarray(0, 100));
    const line = "translate --name a --input mixed --out mixed-out";
    const { code, err, out } = await run(line);
    expect(code).toBe(1);
    expect(err).toContain("mixed/bad.png");
    expect(err).toMatch(/1 of 2 pictures could not be translated/);
    expect(out).toMatch(/^1 of 2 pictures translated/);
    expect(readdirSync(at("mixed-out"))).toEqual(["good.png"]);
    const skipped = await run(`${line} --skip-bad-images`);
    expect([skipped.code, skipped.err]).toEqual([0, expect.stringContaining("mixed/bad.png")]);
  });

  it.each([
    ["--name b --input in --out out", 1, /no run "b".*Did you mean a\?/],
    ["--name a --input nothing --out out", 1, /no file or folder nothing/],
    ["--name a --input words --out out", 1, /no picture/],
    ["--name a --input in --out out --epoch 9", 1, /9_net_G\.safetensors/],
    ["--name a --input in --out out --ngf 16", 2, /--ngf: got 16, but the run "a" was trained with 4/],
    ["--name a --input in --out out --direction BtoA", 2, /--direction: got BtoA/],
  ])("%s", async (line, code, message) => {
    const ended = await run(`translate ${line}`);
    expect(ended.err).toMatch(message);
    expect(ended.code).toBe(code);
  });
});

it("names weights in the folder of the PyTorch repository, where a run is missing", async () => {
  await files.write(at("checkpoints/label2photo/latest_net_G.pth"), "");
  const { err } = await run("test --name label2photo");
  expect(err).toMatch(/import checkpoints\/label2photo\/latest_net_G\.pth --name label2photo/);
});

describe("test", () => {
  it("writes pictures, metrics and a page, and prints the means", async () => {
    const { code, out, err } = await run("test --name a --model pix2pix --netG unet_32 --no_dropout");
    expect([code, err]).toEqual([0, ""]);
    const folder = "results/a/test_latest";
    const names = [1, 2, 3].map((n) => `facade_000${n}`);
    expect(readdirSync(at(folder, "images")).sort()).toEqual(
      names.flatMap((name) => ["fake_B", "real_A", "real_B"].map((kind) => `${name}_${kind}.png`)),
    );
    const metrics = readJson(`${folder}/metrics.json`);
    expect(metrics).toMatchObject({ run: "a", epoch: "latest", phase: "test", direction: "AtoB", images: 3 });
    expect(metrics.each.map(({ name }: { name: string }) => name)).toEqual(names);
    const distances = await Promise.all(
      names.map(async (name) =>
        l1(await decode(`${folder}/images/${name}_fake_B.png`), await decode(`${folder}/images/${name}_real_B.png`)),
      ),
    );
    const mean = distances.reduce((sum, distance) => sum + distance, 0) / 3;
    expect(metrics.mean.l1).toBeCloseTo(mean, 12);
    expect(out).toContain(mean.toFixed(3));
    for (const word of ["L1", "PSNR", "SSIM", "sharpness", "s each"]) expect(out).toContain(word);
    expect(out).toContain(`${folder}/index.html`);
    const page = readFileSync(at(folder, "index.html"), "utf8");
    for (const name of names) expect(page).toContain(`images/${name}_fake_B.png`);
    // The target is the file of the data set, at the network's size.
    expect((await decode(`${folder}/images/facade_0001_real_B.png`)).data).toEqual(
      (await decode("data/testB/facade_0001.png")).data,
    );
    // Without dropout, translate gives the same picture.
    await run("translate --name a --no-dropout --input data/testA/facade_0002.png --out same");
    expect(bytes("same/facade_0002.png")).toBe(bytes(`${folder}/images/facade_0002_fake_B.png`));
  });

  it("does not write over the results of another run of its name; a run that was moved is the same", async () => {
    const scores = "named/a/test_latest/metrics.json";
    const test = (runs: string) => run(`test --name a --no-dropout --results-dir named --checkpoints-dir ${runs}`);
    cpSync(at("runs/a"), at("first/a"), { recursive: true });
    cpSync(at("runs/a"), at("second/a"), { recursive: true });
    expect((await test("first")).code).toBe(0);
    expect(readJson(scores).source).toBe("first/a");
    const refused = await test("second");
    expect([refused.code, refused.err]).toEqual([
      1,
      "error: named/a/test_latest has the results of first/a, and second/a has the same name. To keep both, give another " +
        "--results-dir; to replace the old ones, remove that folder.\n",
    ]);
    expect(readJson(scores).source).toBe("first/a");
    expect((await test("./first")).code).toBe(0);
    renameSync(at("first"), at("moved"));
    expect((await test("moved")).code).toBe(0);
    expect(readJson(scores).source).toBe("moved/a");
  });

  it("takes another split and fewer pairs", async () => {
    const { code, out } = await run("test --name a --phase train --max_dataset_size 2 --results_dir elsewhere");
    expect(code).toBe(0);
    expect(out).toMatch(/train: 2 images/);
    expect(readdirSync(at("elsewhere/a/train_latest/images"))).toHaveLength(6);
  });
});

describe("inspect", () => {
  it("writes a page of the pairs as the network sees them, and says what is input and target", async () => {
    const line = "inspect --dataroot data --direction BtoA --load-size 36 --crop-size 32 --netG unet_32 --draws 2";
    const { code, out, err } = await run(`${line} --count 3 --batch-size 4`);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^5 pairs, layout folders, in data$/m);
    expect(out).toMatch(/direction BtoA: the input is B, the target is A/);
    expect(out).toMatch(/input .*data\/trainB\/facade_0001\.png, 32x32 on disk/);
    expect(out).toMatch(/target .*data\/trainA\/facade_0001\.png/);
    expect(out).toMatch(/the network sees 32x32: resized to 36x36, cropped to 32x32, mirrored half of the times/);
    expect(out).toMatch(/3 pairs, 2 draws each: inspect\.html$/m);
    const page = readFileSync(at("inspect.html"), "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    const pictures = [...page.matchAll(/<img src="data:image\/png;base64,([^"]+)" alt="([^"]+)"/g)];
    expect(pictures.map(([, , alt]) => alt).slice(0, 4)).toEqual([
      ...["input (B) of facade_0001 draw 1", "target (A) of facade_0001 draw 1"],
      ...["input (B) of facade_0001 draw 2", "target (A) of facade_0001 draw 2"],
    ]);
    expect(pictures).toHaveLength(3 * 2 * 2);
    const first = await images.decode(Buffer.from(pictures[0]![1]!, "base64"));
    expect(first).toMatchObject({ width: 32, height: 32, channels: 3 });
  });

  it("writes a sheet of the pictures alone as a PNG, and refuses other endings before it reads a picture", async () => {
    const line = "inspect --dataroot data --load-size 36 --crop-size 32 --netG unet_32 --draws 2 --out";
    expect((await run(`${line} sheets/a.PNG`)).code).toBe(0);
    const sheet = await decode("sheets/a.PNG");
    expect(sheet.channels).toBe(3);
    expect(sheet.width).toBeGreaterThan(4 * 128);
    for (const out of ["sheet.jpg", "sheet", "sheet.png.", ".html"]) {
      const { code, err } = await run(`${line} ${out}`);
      expect([code, err], out).toEqual([
        2,
        expect.stringMatching(/--out: got ".*", expected a name that ends in \.html/),
      ]);
      expect(existsSync(at(out)), out).toBe(false);
    }
  });

  it("draws anew each time, by the seed", async () => {
    const line = "inspect --dataroot data --load-size 40 --crop-size 32 --netG unet_32 --count 1 --out";
    await run(`${line} 1.png`);
    await run(`${line} 2.png`);
    await run(`${line} 3.png --seed 9`);
    expect(bytes("1.png")).toBe(bytes("2.png"));
    expect(bytes("3.png")).not.toBe(bytes("1.png"));
  });
});

describe("demo", () => {
  it("trains on its own pairs and ends with a page, as often as one likes", async () => {
    for (const steps of [4, 3]) {
      const { code, out, err } = await run(`demo --steps ${steps} --size 32 --quiet`);
      expect([code, err, out]).toEqual([0, "", "runs/demo/results/index.html\n"]);
    }
    expect(readFileSync(at("runs/demo/results/index.html"), "utf8")).toContain("images/facade_0001_fake_B.png");
    expect(readJson("runs/demo/results/metrics.json").images).toBeGreaterThan(3);
    expect(readdirSync(at("runs/demo-data/trainA"))).toHaveLength(3);
  });

  it("removes nothing while another process trains it", async () => {
    const demo = new Run(files, { checkpointsDir: at("runs"), name: "demo" });
    const { code, err } = await demo.locked(() => run("demo --steps 3 --size 32"));
    expect([code, err]).toEqual([1, expect.stringMatching(/^error: The run runs\/demo is being trained by process/)]);
    expect(await demo.hasCheckpoint()).toBe(true);
  });

  it("does not touch a folder of other pairs", async () => {
    mkdirSync(at("own/trainA"), { recursive: true });
    copyFileSync(at("data/testA/facade_0001.png"), at("own/trainA/mine.png"));
    const { code, err } = await run("demo --steps 3 --size 32 --checkpoints-dir other --dir own");
    expect([code, err]).toEqual([2, expect.stringMatching(/own\/trainA holds mine\.png/)]);
    expect(readdirSync(at("own"), { recursive: true })).toEqual(["trainA", "trainA/mine.png"]);
  });

  it("leaves a run of that name alone that is not a demo", async () => {
    await run(`train --dataroot data --name demo --checkpoints-dir mine --max-steps 1 ${small}`);
    const { code, err } = await run("demo --steps 3 --size 32 --checkpoints-dir mine");
    expect([code, err]).toEqual([2, expect.stringMatching(/mine\/demo is a run on data, not an earlier demo/)]);
    expect(existsSync(at("mine/demo/config.json"))).toBe(true);
  });
});
