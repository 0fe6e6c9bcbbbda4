/** Pictures that come in: files that are chosen, dropped or pasted, and the camera. */
import { endingOf, pictureEndings, stemOf } from "../../data/listing.ts";
import { resize } from "../../data/resize.ts";
import { halves } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import { images, readEndings } from "../../web/images.ts";
import type { OpenRun } from "../home.ts";
import { asRgb } from "./raster.ts";

export interface Incoming {
  name: string;
  picture: Picture;
}

/** The size of an uploaded picture: "fit" has about as many pixels as in training, "original" keeps its own, up to `mostPixels`. */
export type SizeRule = "fit" | "original";

/** Largest relative difference between the aspect ratio of a pair side by side and twice the run's. */
const shapeTolerance = 0.03;
/** Pixels of a picture at its own size; a larger one is reduced. */
const mostPixels = 2048 * 2048;

export async function readPicture(file: Blob, name: string): Promise<Incoming> {
  const picture = await images.decode(new Uint8Array(await file.arrayBuffer()), { upright: true });
  return { name: stemOf(name), picture: asRgb(picture) };
}

/** The files that are pictures by their type or their ending, and the others. */
export function splitFiles(files: readonly File[]): { pictures: File[]; others: File[] } {
  const isPicture = ({ type, name }: File) => type.startsWith("image/") || pictureEndings.includes(endingOf(name));
  return { pictures: files.filter(isPicture), others: files.filter((file) => !isPicture(file)) };
}

/** The most names of files in a message. */
const mostNames = 4;

/** The message for files that are no pictures. */
export function notPictures(files: readonly File[]): string {
  const names = files.map(({ name }) => name);
  const more = names.length - mostNames + 1;
  const shown = more > 1 ? [...names.slice(0, -more), `${more} other files`] : names;
  const list = new Intl.ListFormat("en-GB").format(shown);
  const endings = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(readEndings);
  return `${list} ${names.length === 1 ? "is no picture" : "are no pictures"}: expected files that end in ${endings}`;
}

/** Whether a picture has the shape of two of the run's pictures side by side. */
export function looksPaired({ width, height }: Picture, run: Pick<OpenRun, "width" | "height">): boolean {
  const ratio = width / height / (run.width / run.height);
  return Math.abs(ratio / 2 - 1) <= shapeTolerance && width % 2 === 0;
}

/** Both halves of a sheet of two pictures. */
export function halvesOf({ picture, name }: Incoming): { left: Incoming; right: Incoming } {
  const { left, right } = halves(picture, name);
  return { left: { name, picture: left }, right: { name, picture: right } };
}

/** The size for the generator: the shape of the picture, with the run's number of pixels or its own. */
function sizeFor({ width, height }: Picture, run: Pick<OpenRun, "width" | "height">, rule: SizeRule) {
  const own = width * height;
  const wanted = rule === "fit" ? run.width * run.height : Math.min(own, mostPixels);
  const scale = Math.sqrt(wanted / own);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Resizes a picture for the generator; a label map by the nearest pixel, so that no mixed colours arise. */
export function fitted(picture: Picture, run: Pick<OpenRun, "width" | "height" | "drawing">, rule: SizeRule): Picture {
  const { width, height } = sizeFor(picture, run, rule);
  return resize(picture, width, height, run.drawing.tool === "regions" ? "nearest" : "bicubic");
}
