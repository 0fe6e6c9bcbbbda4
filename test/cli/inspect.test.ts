/** `pix2pix inspect` on pictures of every kind, in this process; cli.test.ts starts it as a user does. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { inspect } from "../../src/cli/commands/inspect.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { images } from "../../src/node/images.ts";
import type { DeepPicture, Picture } from "../../src/platform.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("inspect");
const small = { netG: "unet_32", loadSize: "36", cropSize: "32", nLayersD: "2", netD: "n_layers", draws: "1" };

function plain(width: number, height: number, channels: number, ...value: number[]): Picture {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => value[i % channels]!);
  return { width, height, channels, data };
}

async function inspected(content: Record<string, DeepPicture>, options: Record<string, string | true>) {
  const root = mkdtempSync(join(work, "set"));
  for (const [path, picture] of Object.entries(content)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const array = path.endsWith(".npy");
    writeFileSync(join(root, path), array ? encodeNpy(picture) : await images.encodePng(picture as Picture));
  }
  const out = join(root, "sheet.png");
  const lines: string[] = [];
  const output = { print: (line: string) => void lines.push(line), note: (line: string) => void lines.push(line) };
  expect(await inspect.run({ ...small, dataroot: root, out, ...options }, output)).toBe(0);
  const sheet = await images.decode(readFileSync(out));
  const colours = new Map<string, number>();
  for (let i = 0; i < sheet.data.length; i += 3) {
    const colour = sheet.data.subarray(i, i + 3).join();
    colours.set(colour, (colours.get(colour) ?? 0) + 1);
  }
  return { text: lines.join("\n").replaceAll(root, "ROOT"), colours };
}

test("colorization: the lightness and the joined colours", async () => {
  const { text, colours } = await inspected(
    { "train/x.png": plain(40, 40, 3, 200, 60, 30) },
    { datasetMode: "colorization" },
  );
  expect(text).toContain("input   ROOT/train/x.png, 40x40 on disk, 8 bits, 3 channels -> 1 channel: its lightness");
  expect(text).toContain("target  ROOT/train/x.png, 40x40 on disk, 8 bits, 3 channels -> 2 channels: its colours");
  expect(colours.get("200,60,30")).toBe(128 * 128);
  // L of (200, 60, 30) is 46.46, which is grey 110 (scikit-image: lab2rgb([46.46, 0, 0]) * 255).
  expect([...colours.keys()].some((colour) => colour.split(",").every((v) => Math.abs(Number(v) - 110) <= 1))).toBe(
    true,
  );
});

test("inpainting and jitter: only the input changes", async () => {
  const options = { datasetMode: "inpainting", colorJitter: "0.5", flipVertical: true, rotate90: true } as const;
  const { text, colours } = await inspected({ "train/x.png": plain(40, 40, 3, 200, 60, 30) }, options);
  expect(text).toContain("-> 3 channels: with a white rectangle of half its size");
  expect(text).toMatch(
    /upside down half of the times, turned by 0, 90, .* both sides alike, and of the input alone brightness, .* times 0\.5 to 1\.5/,
  );
  expect(colours.get("200,60,30")).toBe(128 * 128); // the target, enlarged four times; the input has another colour
});

test("five bands to 16-bit grey, in its own size", async () => {
  const bands = plain(50, 34, 5, 10, 20, 30, 40, 50);
  const grey = { ...plain(50, 34, 1, 0), data: new Uint16Array(50 * 34).fill(40000) };
  const { text, colours } = await inspected(
    { "A/x.npy": bands, "B/x.npy": grey },
    { inputNc: "5", outputNc: "1", preprocess: "scale_width", resizeFilter: "area", channelOrder: "BGR" },
  );
  expect(text).toContain("x.npy, 50x34 on disk, 8 bits, 5 bands -> 5 channels");
  expect(text).toContain("x.npy, 50x34 on disk, 16 bits, 1 channel -> 1 channel");
  expect(text).toContain("sees 36x32 of the first pair: resized to a width of 36 by area, each pair in its own size");
  expect(text).toContain("colours in the order BGR");
  expect(colours.get("10,20,30")).toBe(144 * 128);
  expect(colours.get("156,156,156")).toBe(144 * 128);
});

test("single: inputs alone", async () => {
  const { text } = await inspected({ "train/x.png": plain(40, 40, 3, 1, 2, 3) }, { datasetMode: "single" });
  expect(text).toContain("the input is A, there are no targets");
  expect(text).not.toContain("target  ");
});
