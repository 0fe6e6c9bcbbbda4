/** Translates files: reading, the network and writing overlap. */
import { basename } from "node:path";
import { refuseLossyMap } from "../data/label-maps.ts";
import { stemOf } from "../data/listing.ts";
import { nearestColours, paint } from "../data/palette.ts";
import { encodeNpy } from "../formats/npy.ts";
import { overlapped } from "../inference/overlap.ts";
import type { Draw } from "../inference/translator.ts";
import { spread } from "../metrics/pictures.ts";
import { files } from "../node/files.ts";
import type { DeepPicture, Images, Picture } from "../platform.ts";
import { type InstanceMaps, readWithInstances } from "./instances.ts";
import { inStrips, type Work as StripWork, translatedInStrips } from "./large.ts";
import { type Job, sampleFile, withSuffix } from "./pictures.ts";

/** How pictures are translated and written. The signal ends the work after the pictures that have begun. */
export interface Work extends StripWork {
  images: Images;
  /** The instance maps, where the run takes them. */
  instances?: InstanceMaps | undefined;
}

/** The result of a job, when all of its files are written. */
export interface Translated {
  /** Files, in the order of the samples. */
  written: readonly string[];
  /** Of the first output, in pixels. */
  width: number;
  height: number;
  /** Of the network, for all samples. */
  seconds: number;
}

/** A file to write. */
interface Target {
  path: string;
  picture: Picture<Uint8Array | Uint16Array> | Picture<Float32Array>;
}

interface Computed extends Translated {
  targets: readonly Target[];
}

/**
 * Translates each file, in the order of the list.
 * @param done called for each job, in order, with what was written or with the error; what it throws ends the work
 */
export async function translateFiles(
  work: Work,
  all: readonly Job[],
  done: (job: Job, result: Translated | undefined, error?: unknown) => void,
): Promise<void> {
  const results = new Map<Job, Translated>();
  await overlapped<Job, Read, Computed>(
    all,
    {
      // A large picture is read while it is translated.
      read: async ({ input }) => ((await inStrips(work, input)) ? undefined : read(work, input)),
      compute: async (picture, job) =>
        picture
          ? compute(work, picture, job)
          : ((await computeInStrips(work, job)) ?? read(work, job.input).then((whole) => compute(work, whole, job))),
      write: async ({ targets, ...result }, job) => {
        await Promise.all(targets.map((target) => write(work, target)));
        results.set(job, result);
      },
      bytes: (value) => bytesOf(value),
      done: (job, error) => {
        done(job, results.get(job), error);
        results.delete(job);
      },
    },
    work.signal,
  );
}

/** A picture, or undefined for one that is taken in strips. */
type Read = DeepPicture | undefined;

function bytesOf(value: Read | Computed): number {
  if (!value) return 0;
  const pictures = "targets" in value ? value.targets.map(({ picture }) => picture) : [value];
  return pictures.reduce((sum, { data }) => sum + data.byteLength, 0);
}

/**
 * The files that a job gives: with several samples one for each and, at 8 bits, a picture of where they differ; with more
 * channels than a PNG has also an array of values.
 */
export function filesOf({ output }: Job, { samples, bits, translator }: Omit<StripWork, "share" | "signal">): string[] {
  const pictures = Array.from({ length: samples }, (_, sample) => sampleFile(output, sample, samples));
  const values = translator.config.outputNc > 4 ? pictures.map(valuesFile) : [];
  return [...pictures, ...values, ...(samples > 1 && bits === "8" ? [withSuffix(output, "spread")] : [])];
}

const valuesFile = (path: string) => path.replace(/\.png$/, ".npy");

async function read({ translator, images, instances }: Work, input: string): Promise<DeepPicture> {
  const { inputNc, inputLabels } = translator.config;
  const alpha = inputNc % 2 === 0;
  const bytes = await files.read(input);
  if (inputLabels !== undefined) await refuseLossyMap(bytes);
  const picture = await (images.decodeDeep ?? images.decode).call(images, bytes, { alpha, upright: true });
  const map = instances?.get(input);
  return map === undefined ? picture : readWithInstances(picture, [input, map], translator.config, images);
}

/** @returns undefined for a picture that cannot be read in strips */
async function computeInStrips(work: Work, job: Job): Promise<Computed | undefined> {
  const began = performance.now();
  const { inputLabels } = work.translator.config;
  if (inputLabels !== undefined) await refuseLossyMap((start, end) => files.readPart!(job.input, start, end));
  const size = await translatedInStrips(work, job.input, job.output, stemOf(basename(job.input)));
  return size && { targets: [], written: filesOf(job, work), ...size, seconds: (performance.now() - began) / 1000 };
}

async function compute(work: Work, picture: DeepPicture, { input, output }: Job): Promise<Computed> {
  const { samples } = work;
  const name = stemOf(basename(input));
  const began = performance.now();
  const targets: Target[] = [];
  const outputs: Picture[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const path = sampleFile(output, sample, samples);
    const { values, picture: result } = await outputOf(work, picture, { name, sample });
    if (values) targets.push({ path: valuesFile(path), picture: values });
    targets.push({ path, picture: result });
    if (result.data instanceof Uint8Array) outputs.push({ ...result, data: result.data });
  }
  const seconds = (performance.now() - began) / 1000;
  if (outputs.length > 1) targets.push({ path: withSuffix(output, "spread"), picture: spread(outputs).picture });
  const { width, height } = targets.at(-1)!.picture;
  return { targets, written: targets.map(({ path }) => path), width, height, seconds };
}

async function outputOf(
  { translator, fit, palette, bits }: Work,
  picture: DeepPicture,
  draw: Draw,
): Promise<{ values?: Picture<Float32Array>; picture: Picture<Uint8Array | Uint16Array> }> {
  // A PNG has at most four channels; the others would be lost.
  const values = translator.config.outputNc > 4 ? await translator.translateValues(picture, draw, fit) : undefined;
  if (bits === "16") return { ...(values && { values }), picture: await translator.translate16(picture, draw, fit) };
  const plain = await translator.translate(picture, draw, fit);
  return {
    ...(values && { values }),
    picture: palette ? paint(nearestColours(plain, palette), palette, plain) : plain,
  };
}

async function write({ images }: Work, { path, picture }: Target): Promise<void> {
  const { data, ...form } = picture;
  const content =
    data instanceof Float32Array ? encodeNpy({ ...form, data }) : await images.encodePng({ ...form, data });
  await files.write(path, content);
}
