/** The common part of commands that convert each picture of a folder. */

import * as z from "zod";
import { option } from "../config/options.ts";
import { UserError, WriteError } from "../errors.ts";
import { InOrder } from "../inference/overlap.ts";
import { files } from "../node/files.ts";
import { duration } from "../text.ts";
import type { WholePicture } from "../tools/frame.ts";
import type { Output } from "./command.ts";
import { jobs } from "./pictures.ts";
import { loadImages } from "./platform.ts";
import { Counter } from "./progress.ts";

export const overwrite = option(z.boolean().default(false), {
  group: "pictures",
  help: "write existing outputs again; otherwise they are kept",
});

/** Options that all these commands have. */
export const convertOptions = {
  input: option(z.string().min(1), {
    group: "pictures",
    value: "FILE|FOLDER",
    help: "a picture, or a folder of pictures at any depth",
  }),
  out: option(z.string().min(1), {
    group: "pictures",
    value: "FOLDER",
    help: "folder for the PNGs, with the same relative paths, or for one picture a name that ends in .png",
  }),
  overwrite,
};

interface ConvertOptions {
  input: string;
  out: string;
  overwrite: boolean;
}

/**
 * Reads each picture and writes the result of `work` as a PNG. A picture that cannot be used is reported and left out.
 * @param alpha whether pictures keep their transparency
 * @param atOnce largest number of pictures in progress at a time
 * @throws UserError at the end, where pictures were left out
 */
export async function convert(
  { input, out, overwrite }: ConvertOptions,
  output: Output,
  { verb, alpha = false, atOnce }: { verb: string; alpha?: boolean; atOnce?: number },
  work: (picture: WholePicture) => WholePicture | Promise<WholePicture>,
): Promise<number> {
  const images = await loadImages();
  const all = await jobs(input, out, (text) => output.note(`note: ${text}`));
  await inBatch(
    all.map((job) => ({ ...job, name: job.input })),
    { overwrite, verb, place: out, what: "pictures", atOnce },
    output,
    async (job) => images.encodePng(await work(await readPicture(job.input, { alpha }))),
  );
  return 0;
}

/**
 * Reads a picture of 8 or 16 bits with 1 to 4 channels, which a PNG can store.
 * @throws UserError for any other file
 */
export async function readPicture(path: string, options: { alpha?: boolean } = {}): Promise<WholePicture> {
  const images = await loadImages();
  const { data, ...form } = await images.decodeDeep(await files.read(path), options);
  if (data instanceof Float32Array || form.bands || form.channels > 4) {
    const what = data instanceof Float32Array ? "floats" : `${form.channels} channels that are not colours`;
    throw new UserError(`it holds ${what}; PNGs hold 8 or 16 bits of grey or colour`);
  }
  return { ...form, data };
}

/** The work for one output file. */
interface Piece {
  /** Name in messages. */
  name: string;
  output: string;
}

/** Pieces in progress at a time: while one waits for the disk or is compressed, another is computed. */
const usualAtOnce = 4;

/**
 * Writes a file for each piece, shows progress, and prints how many were written. An existing file is kept. A piece
 * that fails with a UserError is reported, in the order of the pieces, and left out.
 * @throws UserError at the end, where pieces were left out
 */
export async function inBatch<P extends Piece>(
  pieces: readonly P[],
  options: { overwrite: boolean; verb: string; place: string; what: string; atOnce?: number | undefined },
  output: Output,
  make: (piece: P) => Promise<Uint8Array>,
): Promise<void> {
  const { atOnce = usualAtOnce } = options;
  const todo: P[] = [];
  for (const piece of pieces) if (options.overwrite || !(await files.exists(piece.output))) todo.push(piece);
  const counter = new Counter(process.stdout, todo.length, options.what);
  let failed = 0;
  const underWay = new InOrder<P>((piece, error) => {
    if (error !== undefined) {
      if (!(error instanceof UserError) || error instanceof WriteError) throw error;
      failed++;
      counter.clear();
      output.note(`${piece.name}: ${error.message}`);
    }
    counter.done();
  }, atOnce - 1);
  const write = async (piece: P) => files.write(piece.output, await make(piece));
  try {
    for (const piece of todo) await underWay.add(piece, write(piece), 0);
    await underWay.end();
  } finally {
    await underWay.settled();
    counter.clear();
  }
  const kept = pieces.length - todo.length;
  const there = kept > 0 ? `; ${kept} were there already (--overwrite writes them again)` : "";
  output.print(
    `${todo.length - failed} of ${pieces.length} ${options.what} ${options.verb} in ${duration(counter.seconds)}${there}`,
  );
  output.print(`In ${options.place}`);
  if (failed > 0) throw new UserError(`${failed} of ${pieces.length} ${options.what} could not be used (named above)`);
}
