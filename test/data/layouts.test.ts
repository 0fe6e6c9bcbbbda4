import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import * as layouts from "../../src/data/layouts.ts";
import { type DatasetMode, type FindOptions, findPairs, layoutNames } from "../../src/data/pairs.ts";
import { DatasetError } from "../../src/errors.ts";
import { files } from "../../src/node/files.ts";
import { realData as data } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const temporary = workFolder("layouts");
let count = 0;

/** A new folder with these (empty) files. Layouts never look into pictures. */
function dataset(...paths: string[]): string {
  const root = join(temporary, `set${count++}`);
  mkdirSync(root);
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "");
  }
  return root;
}

/** "layout: name = A + B, ..." with paths relative to the root; halves as file|. */
async function found(root: string, options?: FindOptions): Promise<string> {
  const { layout, pairs } = await findPairs(files, root, options);
  const shown = pairs.map(({ name, A, B }) => {
    const relative = (file: string) => file.slice(root.length + 1);
    if (A.half === "left" && B.half === "right" && A.file === B.file) return `${name} = ${relative(A.file)}|`;
    return `${name} = ${relative(A.file)} + ${relative(B.file)}`;
  });
  return `${layout}: ${shown.join(", ")}`;
}

async function message(root: string, options?: FindOptions): Promise<string> {
  try {
    await findPairs(files, root, options);
  } catch (error) {
    expect(error).toBeInstanceOf(DatasetError);
    return (error as Error).message.replaceAll(root, "ROOT");
  }
  throw new Error("no error was thrown");
}

test("the choices are the exports, and every export is a layout", () => {
  expect([...layoutNames].sort()).toEqual(["aligned", "cmp", "colorization", "folders", "inpainting", "single"]);
  for (const layout of Object.values(layouts)) expect(layout.patterns("train").length).toBeGreaterThan(0);
});

describe("aligned", () => {
  test("the phase's folder, folders within it, any case of ending, sorted as Python sorts paths", async () => {
    const root = dataset(
      "train/9.JPG",
      "train/10.png",
      "train/1.jpeg",
      "train/sub/a.b.tif",
      "val/1.jpg",
      "train/x.txt",
    );
    expect(await found(root)).toBe(
      "aligned: 1 = train/1.jpeg|, 10 = train/10.png|, 9 = train/9.JPG|, sub/a.b = train/sub/a.b.tif|",
    );
    expect(await found(root, { phase: "val" })).toBe("aligned: 1 = val/1.jpg|");
  });

  test("pictures in the dataroot itself, when there are no phases", async () => {
    const root = dataset("b.png", "a.png", "notes/readme.md");
    expect(await found(root)).toBe("aligned: a = a.png|, b = b.png|");
    const forTest = await findPairs(files, root, { phase: "test" });
    expect(forTest.notes).toEqual([
      `${root} has no folder for the phase "test": all of its pairs are used, as they are for training.`,
    ]);
  });

  test("names stay different when two files share a stem", async () => {
    expect(await found(dataset("train/x.jpg", "train/x.png", "train/y.png", "train/z.png"))).toBe(
      "aligned: x.jpg = train/x.jpg|, x.png = train/x.png|, y = train/y.png|, z = train/z.png|",
    );
    // x.k.jpg is sorted between the two.
    expect(await found(dataset("train/x.jpg", "train/x.k.jpg", "train/x.png"))).toBe(
      "aligned: x.jpg = train/x.jpg|, x.k = train/x.k.jpg|, x.png = train/x.png|",
    );
  });

  test("hidden files and files of macOS in archives are not pictures", async () => {
    expect(await found(dataset("train/a.png", "train/._a.png", ".cache/train/b.png", "__MACOSX/train/a.png"))).toBe(
      "aligned: a = train/a.png|",
    );
  });

  test("maxDatasetSize takes the first", async () => {
    const root = dataset("train/a.png", "train/b.png", "train/c.png");
    const { pairs, notes } = await findPairs(files, `${root}/`, { maxDatasetSize: 2 });
    expect(pairs.map(({ A }) => A.file)).toEqual([`${root}/train/a.png`, `${root}/train/b.png`]);
    expect(notes).toEqual(["the first 2 of 3 pairs are used."]);
  });
});

describe("folders", () => {
  test.each([
    ["A and B", ["A/1.jpg", "B/1.png"], "folders: 1 = A/1.jpg + B/1.png"],
    [
      "trainA and trainB",
      ["trainA/1.jpg", "trainB/1.png", "testA/2.jpg", "testB/2.jpg"],
      "folders: 1 = trainA/1.jpg + trainB/1.png",
    ],
    ["train/A and train/B", ["train/A/1.jpg", "train/B/1.jpg"], "folders: 1 = train/A/1.jpg + train/B/1.jpg"],
    [
      "A/train and B/train",
      ["A/train/1.jpg", "B/train/1.jpg", "A/val/2.jpg", "B/val/2.jpg"],
      "folders: 1 = A/train/1.jpg + B/train/1.jpg",
    ],
    ["folders within, any ending", ["A/s/x.y.tif", "B/s/x.y.webp"], "folders: s/x.y = A/s/x.y.tif + B/s/x.y.webp"],
    ["a and b", ["a/1.jpg", "b/1.png"], "folders: 1 = a/1.jpg + b/1.png"],
    [
      "an accented letter as one character, and as two, as macOS stores it",
      ["A/Br\u00fccke.png", "B/Bru\u0308cke.jpg"],
      "folders: Br\u00fccke = A/Br\u00fccke.png + B/Bru\u0308cke.jpg",
    ],
    ["TrainA and TRAINB", ["TrainA/1.jpg", "TRAINB/1.png", "testA/2.jpg"], "folders: 1 = TrainA/1.jpg + TRAINB/1.png"],
    ["Train/a and Train/b", ["Train/a/1.jpg", "Train/b/1.png"], "folders: 1 = Train/a/1.jpg + Train/b/1.png"],
    [
      "train_A and train_B of pix2pixHD",
      ["train_A/1.jpg", "train_B/1.png", "test_A/2.jpg", "test_B/2.jpg"],
      "folders: 1 = train_A/1.jpg + train_B/1.png",
    ],
    [
      "train_label and train_img of pix2pixHD, beside its train_inst",
      ["train_label/1.png", "train_img/1.jpg", "train_inst/1.png", "val_label/2.png", "val_img/2.png"],
      "folders: 1 = train_label/1.png + train_img/1.jpg",
    ],
    [
      "names of Cityscapes, in the folders of pix2pixHD",
      ["train_label/a_02_19_gtFine_labelIds.png", "train_label/b_01_19_gtFine_labelIds.png"].concat([
        "train_img/a_02_19_leftImg8bit.png",
        "train_img/b_01_19_leftImg8bit.png",
      ]),
      "folders: a_02_19 = train_label/a_02_19_gtFine_labelIds.png + train_img/a_02_19_leftImg8bit.png, " +
        "b_01_19 = train_label/b_01_19_gtFine_labelIds.png + train_img/b_01_19_leftImg8bit.png",
    ],
    ["x_A and x_B", ["A/1_A.png", "B/1_B.jpg"], "folders: 1 = A/1_A.png + B/1_B.jpg"],
    [
      "a folder for each pair",
      ["x/A.png", "x/B.jpg", "y/a.png", "y/b.png"],
      "folders: x = x/A.png + x/B.jpg, y = y/a.png + y/b.png",
    ],
    [
      "a folder for each pair, in phases",
      ["train/x/A.png", "train/x/B.jpg", "val/x/A.png"],
      "folders: x = train/x/A.png + train/x/B.jpg",
    ],
  ])("%s", async (_, paths, expected) => {
    expect(await found(dataset(...paths))).toBe(expected);
  });

  test.each([
    [
      "test",
      'ROOT has no phase "test"; there is train, val (folders). Use --phase val.',
      ["train_A/1.png", "train_B/1.png", "val_A/2.png", "val_B/2.png"],
    ],
    [
      "test",
      'ROOT has no phase "test"; there is train, val (folders). Use --phase val.',
      ["train_label/1.png", "train_img/1.png", "val_label/2.png", "val_img/2.png"],
    ],
    [
      "test",
      'ROOT has no phase "test"; there is train (folders). Use --phase train.',
      ["train/x/A.png", "train/x/B.png"],
    ],
    [
      "train",
      "input/ and real/ in ROOT hold pictures of the same names, so they look like the two sides of pairs, but it is not clear " +
        "which one is A. Rename them to A and B. If each picture is a pair with A left and B right, use --dataset-mode " +
        "aligned --phase input.",
      ["input/1.png", "input/2.png", "real/1.png", "real/2.png"],
    ],
    [
      "train",
      "train/input/ and train/real/ in ROOT hold pictures of the same names, so they look like the two sides of pairs, but it is " +
        "not clear which one is A. Rename them to train/A and train/B. If each picture is a pair with A left and B right, use " +
        "--dataset-mode aligned.",
      ["train/input/1.png", "train/real/1.png"],
    ],
    [
      "train",
      'no pairs for the phase "train" in ROOT itself, but there are in ROOT/labels. Use --dataroot ROOT/labels. If labels/ and photos/ ' +
        "are the two sides of pairs, rename them to A and B.",
      ["labels/train/1.png", "labels/test/2.png", "photos/train/1.png", "photos/test/2.png"],
    ],
    [
      "train",
      "valid/input/ and valid/real/ in ROOT hold pictures of the same names, so they look like the two sides of pairs, but it is " +
        "not clear which one is A. Rename them to valid/A and valid/B. If each picture is a pair with A left and B right, use " +
        "--dataset-mode aligned --phase valid.",
      ["valid/input/1.png", "valid/real/1.png"],
    ],
    [
      "train",
      "train/input/ and train/real/ in ROOT hold pictures of the same names, so they look like the two sides of pairs, but it is " +
        "not clear which one is A. Rename them to train/A and train/B. If each picture is a pair with A left and B right, use " +
        "--dataset-mode aligned.",
      ["train/input/1.png", "train/real/1.png", "test/A/2.png", "test/B/2.png"],
    ],
    [
      "train",
      'no pairs for the phase "train" in ROOT itself, but there are in ROOT/large. Use --dataroot ROOT/large.',
      ["large/trainA/1.png", "large/trainB/1.png", "small/trainA/1.png", "small/trainB/1.png"],
    ],
    [
      "train",
      "x has two pictures of side A: x/A.png and x/a.jpg, so it is not clear which one belongs to the pair. Move one of them away.",
      ["x/A.png", "x/a.jpg", "x/B.png"],
    ],
  ])("phase %s: %s", async (phase, expected, paths) => {
    expect(await message(dataset(...paths), { phase })).toBe(expected);
  });

  test("numbers are no ends of names", async () => {
    expect(await message(dataset("A/x_10.png", "A/x_20.png", "B/x_30.png", "B/x_40.png"))).toContain("4 of 4 pictures");
    expect(await message(dataset("A/x_a.png", "A/y_a.png", "B/z_b.png"))).toContain("3 of 3 pictures");
  });

  test("sorted by A's path", async () => {
    expect(await found(dataset("A/9.jpg", "A/10.jpg", "B/10.png", "B/9.png"))).toBe(
      "folders: 10 = A/10.jpg + B/10.png, 9 = A/9.jpg + B/9.png",
    );
  });

  test("pictures without a partner are named, and left out with skipUnpaired", async () => {
    const root = dataset("trainA/1.jpg", "trainA/2.jpg", "trainA/4.jpg", "trainB/1.jpg", "trainB/3.jpg");
    expect(await message(root)).toBe(
      "3 of 5 pictures in ROOT/trainA/ and trainB/ have no partner of the same stem (folders). " +
        "A without B (2): trainA/2.jpg, trainA/4.jpg. B without A (1): trainB/3.jpg. " +
        "Add what is missing, or leave them out with --skip-unpaired (complete pairs: 1).",
    );
    const { pairs, notes } = await findPairs(files, root, { skipUnpaired: true });
    expect(pairs.map((pair) => pair.name)).toEqual(["1"]);
    expect(notes[0]).toContain("B without A (1): trainB/3.jpg. Left out; complete pairs: 1.");
  });

  test("only the first few names are listed", async () => {
    const names = Array.from({ length: 9 }, (_, i) => `A/${i}.jpg`);
    expect(await message(dataset(...names, "A/x.jpg", "B/x.jpg"))).toContain(
      "A without B (9): A/0.jpg, A/1.jpg, A/2.jpg, A/3.jpg, A/4.jpg, .... Add",
    );
  });

  test("a data set with one empty side is not an aligned one", async () => {
    expect(await message(dataset("train/A/1.jpg", "train/A/2.jpg"), { skipUnpaired: true })).toBe(
      "2 of 2 pictures in ROOT/train/A/ and train/B/ have no partner of the same stem (folders). " +
        "A without B (2): train/A/1.jpg, train/A/2.jpg. No pair is left; add the missing pictures. " +
        "pix2pix translate takes pictures without targets.",
    );
  });

  test("two files of one stem on one side", async () => {
    expect(await message(dataset("A/1.jpg", "A/1.png", "B/1.png"))).toContain(
      'two pictures in A have the stem "1": 1.jpg and 1.png',
    );
  });
});

describe("cmp", () => {
  test.each([
    ["the dataroot", ["x.jpg", "x.png", "y.jpg", "y.png", "x.xml"], "cmp: x = x.jpg + x.png, y = y.jpg + y.png"],
    ["a phase", ["train/x.jpg", "train/x.png", "test/y.jpg", "test/y.png"], "cmp: x = train/x.jpg + train/x.png"],
    ["base, as in the archive", ["base/x.JPG", "base/x.png", "label_names.txt"], "cmp: x = base/x.JPG + base/x.png"],
  ])("%s", async (_, paths, expected) => {
    expect(await found(dataset(...paths))).toBe(expected);
  });

  test("a photo without labels", async () => {
    const root = dataset("x.jpg", "x.png", "y.jpg", "y.png", "z.jpg");
    expect(await message(root)).toContain(
      "1 of 5 pictures in ROOT have no partner of the same stem (cmp). A without B (1): z.jpg.",
    );
    expect(await found(root, { skipUnpaired: true })).toBe("cmp: x = x.jpg + x.png, y = y.jpg + y.png");
  });

  test("partners whose names differ in case alone", async () => {
    const hint = "Some of these names differ only in upper and lower case";
    expect(await message(dataset("A/IMG_1.png", "B/img_1.png"))).toContain(hint);
    expect(await message(dataset("A/IMG_1.png", "B/img_2.png"))).not.toContain(hint);
  });

  test("when few stems appear twice it must be named", async () => {
    const paths = ["x.jpg", "x.png", "a.jpg", "b.jpg", "c.png"];
    expect(await found(dataset(...paths))).toContain("aligned: ");
    expect(await found(dataset(...paths), { datasetMode: "cmp", skipUnpaired: true })).toBe("cmp: x = x.jpg + x.png");
  });
});

describe("plain pictures", () => {
  test.each([
    ["colorization", "L", "ab"],
    ["inpainting", "masked", undefined],
    ["single", undefined, "absent"],
  ] as const)("%s: each picture is one pair, and auto never chooses the layout", async (datasetMode, A, B) => {
    const root = dataset("train/s/b.npy", "train/a.png", "train/a.jpg", "test/c.png");
    const { layout, pairs } = await findPairs(files, root, { datasetMode });
    expect(layout).toBe(datasetMode);
    const side = (name: string, derive?: string) => ({ file: `${root}/train/${name}`, ...(derive && { derive }) });
    expect(pairs).toEqual([
      { name: "a.jpg", A: side("a.jpg", A), B: side("a.jpg", B) },
      { name: "a.png", A: side("a.png", A), B: side("a.png", B) },
      { name: "s/b", A: side("s/b.npy", A), B: side("s/b.npy", B) },
    ]);
    expect((await findPairs(files, root)).layout).toBe("aligned");
    expect(await message(root, { datasetMode, phase: "val" })).toContain("there is test, train");
  });
});

describe("errors of the folder", () => {
  test("it is not there, a file, or empty", async () => {
    const root = dataset("facades/train/1.jpg", "file");
    expect(await message(join(root, "facade"))).toBe("the dataroot ROOT does not exist. Did you mean ROOTs?");
    const near = relative(".", join(root, "facades")).replaceAll("\\", "/");
    const windows = near.replaceAll("/", "\\").slice(0, -1);
    expect(await message(windows)).toContain(`Did you mean ${near}?`);
    expect(await message(join(root, "entirely-different"))).toContain(
      "does not exist. Give a folder of pairs with --dataroot.",
    );
    expect(await message(join(root, "nowhere/train"))).toContain("does not exist.");
    expect(await message(join(root, "file"))).toContain("is a file; a folder of pairs was expected.");
    expect(await message(dataset())).toBe("the dataroot ROOT is empty. Give a folder of pairs with --dataroot.");
  });

  test("no pairs: the message lists the patterns and the files", async () => {
    expect(await message(dataset("train/a.heic", "train/b.heic", "train/list.txt", "readme"))).toBe(
      `no pairs for the phase "train" in ROOT. Looked for, with pictures ending in jpg, jpeg, png, webp, tif, tiff, bmp, gif, pbm, pgm, ppm, npy:
  folders (two folders A and B (or trainA and trainB, train_label and train_img), same stems): trainA/**/x.* with trainB/**/x.*; train_A/**/x.* with train_B/**/x.*; train_label/**/x.* with train_img/**/x.*; train/A/**/x.* with train/B/**/x.*; A/train/**/x.* with B/train/**/x.*; A/**/x.* with B/**/x.* where there are no phases; train/**/x/A.* with train/**/x/B.*
  cmp (photo x.jpg (A) beside its labels x.png (B)): train/**/x.jpg with x.png; x.jpg with x.png, or base/x.jpg with base/x.png, where there are no folders train, val, test
  aligned (one picture per pair, A left and B right): train/**/*.{jpg,png,...}; *.{jpg,png,...} where there are no folders train, val, test
Found: train/: 2 .heic, 1 .txt; directly in it: 1 files without an ending.`,
    );
  });

  test("pictures of a form that cannot be read are named beside those that can", async () => {
    const root = dataset("trainA/1.bmp", "trainB/1.ppm", "trainA/2.heic", "trainB/2.heic", "trainA/3.avif");
    const { pairs, notes } = await findPairs(files, root);
    expect(pairs.length).toBe(1);
    expect(notes).toEqual([
      "left out, because their format cannot be read: 2 .heic, 1 .avif. Convert them to PNG to use them.",
    ]);
  });

  test.each([
    [["train/1.jpg", "val/1.jpg"], 'ROOT has no phase "test"; there is train, val (aligned). Use --phase val.'],
    [["trainA/1.jpg", "trainB/1.jpg"], 'ROOT has no phase "test"; there is train (folders). Use --phase train.'],
    [["A/train/1.jpg", "B/train/1.jpg"], 'ROOT has no phase "test"; there is train (folders). Use --phase train.'],
    [["train/1.jpg", "train/1.png"], 'ROOT has no phase "test"; there is train (cmp). Use --phase train.'],
    [["train/1.jpg", "tests/1.jpg"], 'ROOT has no phase "test"; there is tests, train (aligned). Use --phase tests.'],
    [["1.jpg", "train/1.jpg"], 'ROOT has no phase "test"; there is train (aligned). Use --phase train.'],
  ])("a phase that is not there: %j", async (paths, expected) => {
    expect(await message(dataset(...paths), { phase: "test" })).toBe(expected);
  });

  test("a phase that is misspelt", async () => {
    expect(await message(dataset("train/1.jpg", "val/1.jpg"), { phase: "trian" })).toContain("Use --phase train.");
  });

  test("one folder too high", async () => {
    expect(await message(dataset("maps/train/1.jpg", "facades/train/1.jpg"))).toBe(
      'no pairs for the phase "train" in ROOT itself, but there are in ROOT/facades. Use --dataroot ROOT/facades. If facades/ and ' +
        "maps/ are the two sides of pairs, rename them to A and B.",
    );
    const scene = (folder: string, kind: string) => `${folder}/train/aachen/aachen_000000_000019_${kind}.png`;
    const kinds = ["color", "instanceIds", "labelIds"].map((kind) => scene("gtFine", `gtFine_${kind}`));
    expect(await message(dataset(...kinds, scene("leftImg8bit", "leftImg8bit")))).toContain(
      "If gtFine/ and leftImg8bit/ are the two sides of pairs, rename them to A and B.",
    );
    expect(await message(dataset("maps/train/1.jpg", "facades/train/2.jpg"))).toBe(
      'no pairs for the phase "train" in ROOT itself, but there are in ROOT/facades. Use --dataroot ROOT/facades.',
    );
  });

  test.each([
    ["test", ["data/train/1.jpg", "data/val/1.jpg"], "data", "train, val (aligned)", " --phase val"],
    ["test", ["data/trainA/1.jpg", "data/trainB/1.jpg"], "data", "train (folders)", " --phase train"],
    ["test", ["pairs/A/train/1.jpg", "pairs/B/train/1.jpg"], "pairs", "train (folders)", " --phase train"],
    ["train", ["data/Train/1.jpg", "runs/mine/1.jpg"], "data", "Train (aligned)", " --phase Train"],
    ["train", ["data/mine/test/1.jpg", "data/mine/train/1.jpg"], "data/mine", "test, train (aligned)", ""],
    ["test", ["data/x/train/1.jpg", "data/y/test/1.jpg"], "data/y", "test (aligned)", ""],
  ])("phase %s, one or two folders too high: %j", async (phase, paths, folder, phases, other) => {
    expect(await message(dataset(...paths), { phase })).toBe(
      `no pairs for the phase "${phase}" in ROOT itself; ROOT/${folder} holds a data set with ${phases}. ` +
        `Use --dataroot ROOT/${folder}${other}.`,
    );
  });

  test("a named layout that does not fit, and one that does not exist", async () => {
    const root = dataset("train/1.jpg");
    expect(await message(root, { datasetMode: "cmp" })).toMatch(/^no pairs .*\n {2}cmp .*\nFound: train\/: 1 .jpg.$/);
    expect(await message(root, { datasetMode: "alined" as DatasetMode })).toBe(
      'dataset mode "alined" is not known; the choices are auto, aligned, cmp, colorization, folders, inpainting, single. Did you mean aligned?',
    );
  });
});

describe("real data sets", () => {
  test.for([
    ["facades", "train", "aligned", 400],
    ["facades", "test", "aligned", 106],
    ["maps", "val", "aligned", 40],
    ["cmp-base", "train", "cmp", 24],
  ] as const)("%s %s", async ([name, phase, layout, size], context) => {
    if (!existsSync(join(data, name))) context.skip(`${data}/${name} is not there`);
    const result = await findPairs(files, join(data, name), { phase });
    expect([result.layout, result.pairs.length, result.notes]).toEqual([layout, size, []]);
  });
});
