/** POST /api/runs/:name/translate: a picture in, a picture out; several as a form. */
import * as z from "zod";
import { type Config, configSchema } from "../config/schema.ts";
import { refuseLossyMap } from "../data/label-maps.ts";
import { stemOf } from "../data/listing.ts";
import { PictureSizeError, UserError } from "../errors.ts";
import type { Fit } from "../inference/fit.ts";
import type { Draw } from "../inference/translator.ts";
import type { DeepPicture, Picture, Platform } from "../platform.ts";
import type { Run } from "../run/run.ts";
import type { Bodies } from "./body.ts";
import type { Choice, Generators, PictureOrder } from "./generators.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./problem.ts";
import type { Unread } from "./unread.ts";

const [dropout, statistics] = [configSchema.shape.dropout.unwrap(), configSchema.shape.statistics.unwrap()];
const preprocess = configSchema.shape.preprocess.unwrap();
/** A number in the range of --seed. */
const whole = z.preprocess(
  (text) => (/^\d{1,10}$/.test(String(text)) ? Number(text) : text),
  configSchema.shape.seed.unwrap(),
);
const trueOrFalse = z.enum(["true", "false"]);

/** The settings in a request's query. */
export interface TranslateQuery extends Pick<Choice, "epoch" | "dropout" | "statistics"> {
  draw: Draw;
  fit: Fit;
}

/** Names that a query may have. */
const names = new Set(["epoch", "seed", "dropout", "statistics", "sample", "preprocess", "keep-size", "name"]);

/** @throws Refusal 422 for a name or a value that is not known */
export function queryOf(params: URLSearchParams): TranslateQuery {
  for (const name of params.keys()) {
    if (!names.has(name)) throw new Refusal(422, `"${name}" is no parameter; there are ${[...names].join(", ")}`);
  }
  const name = params.get("name");
  const sample = valueIn(params, "sample", whole, "a whole number from 0");
  return {
    epoch: params.get("epoch") ?? "latest",
    dropout: valueIn(params, "dropout", dropout, "on or off"),
    statistics: valueIn(params, "statistics", statistics, "batch, running or image"),
    draw: {
      ...(name !== null && { name }),
      ...(sample !== undefined && { sample }),
      seed: valueIn(params, "seed", whole, "a whole number from 0 to 4294967295"),
    },
    fit: {
      preprocess: valueIn(params, "preprocess", preprocess, preprocess.options.join(", ")),
      keepSize: valueIn(params, "keep-size", trueOrFalse, "true or false") === "true",
    },
  };
}

/** The value of a parameter; undefined where it is not given. @throws Refusal 422 for a value that the schema has not */
function valueIn<T extends z.ZodType>(
  params: URLSearchParams,
  name: string,
  schema: T,
  expected: string,
): z.output<T> | undefined {
  const text = params.get(name);
  if (text === null) return undefined;
  const parsed = schema.safeParse(text);
  if (!parsed.success) throw new Refusal(422, `${name}: got "${text}", expected ${expected}`);
  return parsed.data;
}

export interface Translating {
  platform: Platform;
  generators: Generators;
  bodies: Bodies;
  unread: Unread;
  limits: Limits;
  run: Run;
}

type Png = Uint8Array<ArrayBuffer>;

/** The answer to a request: a PNG for a picture, a form of PNGs for a form of pictures. */
export async function translateRequest(request: Request, query: TranslateQuery, on: Translating): Promise<Response> {
  const { generators, bodies, run, unread } = on;
  generators.checkRoom(1);
  const type = request.headers.get("content-type") ?? "";
  if (/^multipart\/form-data/i.test(type)) return translateForm(request, type, query, on);
  if (type !== "" && !/^(image\/|application\/(octet-stream|x-npy))/i.test(type)) {
    // What curl sends where it is not told.
    const curl = /urlencoded/i.test(type) ? `; curl says so itself unless it has -H "Content-Type: image/png"` : "";
    throw new Refusal(
      415,
      `the body's type is ${type}; expected a picture (image/png, image/jpeg, ...) or a form of pictures${curl}`,
    );
  }
  const config = await run.config();
  const [png] = await bodies.use(request, (bytes) =>
    generators.translate({ run, ...query }, [orderOf(async () => bytes, query, config, on)], request.signal),
  );
  return new Response(unread.send(png!, png!.length), {
    headers: { "Content-Length": String(png!.length), "Content-Type": "image/png", "Cache-Control": "no-store" },
  });
}

/** Each file of the form gives one of the same field, with the ending .png. */
async function translateForm(
  request: Request,
  type: string,
  query: TranslateQuery,
  on: Translating,
): Promise<Response> {
  const { generators, bodies, run, limits, unread } = on;
  const config = await run.config();
  return bodies.use(request, async (bytes, count) => {
    const files = await filesOf(bytes, type, limits.pictures);
    const names = files.map(({ file }) => stemOf(file.name));
    const orders = files.map(({ file }, i): PictureOrder<Png> => {
      const own = { ...query, draw: { name: names[i]!, ...query.draw } };
      const order = orderOf(async () => new Uint8Array(await file.arrayBuffer()), own, config, on);
      const answer = async (output: Picture) => {
        const png = await order.answer(output);
        count(png.length);
        return png;
      };
      return { ...order, answer, file: file.name };
    });
    const pngs = await generators.translate({ run, ...query }, orders, request.signal);
    const outputs = new FormData();
    for (const [i, { field }] of files.entries()) {
      outputs.append(field, new Blob([pngs[i]!], { type: "image/png" }), `${names[i]}.png`);
    }
    const { body, headers } = new Response(outputs);
    const length = pngs.reduce((sum, png) => sum + png.length, 0);
    return new Response(unread.send(body!, length), { headers });
  });
}

/** @throws Refusal 422 for a body that is no form with files, 413 for too many */
async function filesOf(bytes: Png, type: string, most: number): Promise<{ field: string; file: File }[]> {
  const form = await new Response(bytes, { headers: { "Content-Type": type } }).formData().catch(() => {
    throw new Refusal(422, "the body is not the form that its headers announce");
  });
  const files = [...form].flatMap(([field, value]) => (typeof value === "string" ? [] : [{ field, file: value }]));
  if (files.length === 0) throw new Refusal(422, "the form has no files");
  if (files.length > most) {
    throw new Refusal(413, `the form has ${files.length} pictures; at most ${most} are taken at once`);
  }
  return files;
}

/** A picture from its bytes to the PNG of its output. */
function orderOf(
  read: () => Promise<Uint8Array>,
  { draw, fit }: TranslateQuery,
  config: Config,
  { platform, limits }: Translating,
): PictureOrder<Png> {
  return {
    draw,
    fit: { ...fit, mostPixels: limits.pixels },
    decode: async () => {
      const bytes = await read();
      if (config.inputLabels !== undefined) await refuseLossyMap(bytes);
      return decoded(platform, bytes, config.inputNc % 2 === 0, limits.pixels);
    },
    answer: (output) => platform.images.encodePng(output),
  };
}

/** @throws Refusal 415 for an empty body; PictureSizeError; UserError for bytes that are no picture or a damaged one */
async function decoded(
  { images }: Platform,
  bytes: Uint8Array,
  alpha: boolean,
  mostPixels: number,
): Promise<DeepPicture> {
  if (bytes.length === 0) throw new Refusal(415, "the body is empty; expected a picture");
  const how = { alpha, mostPixels, upright: true };
  try {
    return await (images.decodeDeep ? images.decodeDeep(bytes, how) : images.decode(bytes, how));
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof PictureSizeError || signatures.test(startOf(bytes)))
      throw error;
    throw new Refusal(415, "the body is no picture of a known format: PNG, JPEG, WebP, TIFF, BMP, GIF, Netpbm, .npy");
  }
}

/** The first bytes as Latin-1. */
const startOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 16));

/** The first bytes of the formats that are read. */
const signatures = /^(\x89PNG|\xff\xd8|GIF8|BM|RIFF....WEBP|II\*\0|MM\0\*|P[1-6]\s|\x93NUMPY)/s;
