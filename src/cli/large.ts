/** Large pictures of `translate`: they are read, translated in tiles and written strip by strip, so that memory is bounded. */
import { dirname } from "node:path";
import { wholePictures } from "../data/loader.ts";
import { nearestColours, type Palette, paint } from "../data/palette.ts";
import { outputPicture, outputPicture16, outputValues } from "../data/sides.ts";
import type { Size } from "../data/sizes.ts";
import { UserError } from "../errors.ts";
import { mostPixels } from "../formats/limits.ts";
import { npyHead } from "../formats/npy.ts";
import { type PngForm, PngWriter } from "../formats/png-encode.ts";
import type { Fit } from "../inference/fit.ts";
import { canBeInStrips, type Strip, translateInStrips } from "../inference/strips.ts";
import type { Draw, Translator } from "../inference/translator.ts";
import { spread } from "../metrics/pictures.ts";
import { files } from "../node/files.ts";
import type { FileStream, LargePicture, Picture, Scratch } from "../platform.ts";
import { sampleFile, withSuffix } from "./pictures.ts";

/** How every picture is translated and written. */
export interface Work {
  translator: Translator;
  fit: Fit;
  palette: Palette | undefined;
  samples: number;
  bits: "8" | "16";
  /** Stops between two tiles. */
  signal: AbortSignal;
  /** Called with the share of a picture that is done, 0 to 1. */
  share(done: number): void;
}

/**
 * Whether a picture is to be translated in strips, by the size that its file states.
 * @throws UserError for a picture that is too large for one piece and cannot be taken in strips, with the reason
 */
export async function inStrips(work: Work, input: string): Promise<boolean> {
  const { translator, fit } = work;
  const { config } = translator;
  const preprocess = fit.preprocess ?? config.preprocess;
  if (wholePictures({ ...config, preprocess }).preprocess !== "none") return false;
  const { statedSize } = await import("../node/large.ts");
  const size = await statedSize(input);
  if (!size || !translator.inTiles(size.height, size.width)) return false;
  const { width, height } = size;
  const whole = wholeBecause(work, width / height);
  if (whole === undefined) return true;
  if (width * height <= mostPixels) return false;
  throw new UserError(`it has ${width}x${height} pixels, more than ${mostPixels} that are taken at once; ${whole}`);
}

/**
 * Translates a picture in strips.
 * @returns its size; undefined for a file that cannot be read in strips
 */
export async function translatedInStrips(
  work: Work,
  input: string,
  target: string,
  name: string,
): Promise<Size | undefined> {
  const { openLarge } = await import("../node/large.ts");
  const options = { alpha: work.translator.config.inputNc % 2 === 0, upright: true };
  const picture = await openLarge(input, `${target}.part.v`, options);
  if (!picture) return undefined;
  try {
    await translateOpened(work, picture, target, name);
  } finally {
    await picture.close();
  }
  return { width: picture.width, height: picture.height };
}

/** Why a picture cannot be taken in strips, and what to do. */
function wholeBecause({ translator, fit }: Work, ratio: number): string | undefined {
  if (fit.aspectRatio !== undefined && fit.aspectRatio !== ratio)
    return "leave --aspect-ratio out to take it in strips";
  if (!canBeInStrips(translator.config))
    return `cut it into smaller ones, because this run ${translator.config.inputInstances ? "takes instance maps" : "covers the centre of each picture"}`;
  return undefined;
}

/** With several samples there is an output for each, and a picture of where they differ. */
async function translateOpened(work: Work, picture: LargePicture, target: string, name: string): Promise<void> {
  const { samples, bits } = work;
  const compared = samples > 1 && bits === "8";
  const written: Written[] = [];
  try {
    for (let sample = 0; sample < samples; sample++) {
      const path = sampleFile(target, sample, samples);
      const share = (done: number) => work.share((sample + done) / samples);
      const copy = compared ? await files.scratch!(`${path}.part.values`) : undefined;
      const rows: number[] = [];
      if (copy) written.push({ copy, rows });
      await writeOutput({ ...work, share }, picture, { name, sample }, path, async (strip) => {
        await copy?.write(rows.reduce((sum, height) => sum + height, 0) * strip.width * strip.channels, strip.data);
        rows.push(strip.height);
      });
    }
    if (compared) await writeSpread(written, picture, withSuffix(target, "spread"), channelsOf(work));
  } finally {
    for (const { copy } of written) await copy.close();
  }
}

/** The 8-bit values of an output, and the heights of its strips. */
interface Written {
  copy: Scratch;
  rows: readonly number[];
}

const channelsOf = ({ translator: { config } }: Work): number =>
  outputPicture(new Float32Array(config.outputNc), new Float32Array(config.inputNc), config, 1, 1).channels;

async function writeOutput(
  work: Work,
  picture: LargePicture,
  draw: Draw,
  path: string,
  seen: (strip: Picture) => Promise<void>,
): Promise<void> {
  const { translator, palette, bits, signal } = work;
  const { config } = translator;
  const { width, height } = picture;
  const channels = channelsOf(work);
  const scratchFolder = dirname(path);
  let maps = 0;
  const scratch = {
    open: () => files.scratch!(`${path}.part.map${++maps}`),
    bytes: (await files.free!(scratchFolder)) / 2,
  };
  const png = await pngFile(path, { width, height, channels, bits: bits === "16" ? 16 : 8 });
  // A PNG has at most four channels; the others would be lost.
  const npy = config.outputNc > 4 ? await npyFile(path, picture, config.outputNc) : undefined;
  const strip = async ({ values, A, height, width }: Strip) => {
    await npy?.write(bytesOf(outputValues(values, height, width).data));
    if (bits === "16") return png.rows(outputPicture16(values, A, config, height, width));
    const plain = outputPicture(values, A, config, height, width);
    const shown = palette ? paint(nearestColours(plain, palette), palette, plain) : plain;
    await seen(shown);
    return png.rows(shown);
  };
  try {
    const advance = (done: number, total: number) => work.share(done / total);
    await translateInStrips(translator, picture, strip, draw, { scratch, advance, signal });
    await png.done();
    await npy?.done();
  } catch (error) {
    await png.abandon();
    await npy?.abandon();
    throw error;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

async function npyFile(path: string, { width, height }: LargePicture, channels: number): Promise<FileStream> {
  const file = await files.create!(path.replace(/\.png$/, ".npy"));
  await file.write(npyHead({ width, height, channels }, "<f4"));
  return file;
}

/** A PNG that is written strip by strip, beside its place. */
async function pngFile(path: string, form: PngForm) {
  const file = await files.create!(path);
  const writer = new PngWriter(form, (bytes) => file.write(bytes));
  return {
    rows: (strip: Picture<Uint8Array | Uint16Array>) => writer.rows(strip.data),
    done: async () => {
      await writer.end();
      await file.done();
    },
    abandon: () => file.abandon(),
  };
}

/** The picture of where the outputs differ, as `spread` has it. */
async function writeSpread(
  outputs: readonly Written[],
  { width, height }: LargePicture,
  path: string,
  channels: number,
): Promise<void> {
  const png = await pngFile(path, { width, height, channels: 1, bits: 8 });
  try {
    let at = 0;
    for (const rows of outputs[0]!.rows) {
      const strips: Picture[] = [];
      for (const { copy } of outputs) {
        const data = new Uint8Array(rows * width * channels);
        await copy.read(at, data);
        strips.push({ width, height: rows, channels, data });
      }
      await png.rows(spread(strips).picture);
      at += rows * width * channels;
    }
    await png.done();
  } catch (error) {
    await png.abandon();
    throw error;
  }
}
