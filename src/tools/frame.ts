/** Operations of the data commands on single pictures: cut, pad, join, blank. */
import { type Filter, resize } from "../data/resize.ts";
import { alike, crop } from "../data/transforms.ts";
import { UserError } from "../errors.ts";
import type { Picture } from "../platform.ts";

/** A picture that a PNG can store. */
type Whole = Uint8Array | Uint16Array;
export type WholePicture = Picture<Whole>;

/** The value of white. */
function whiteOf(data: Whole): number {
  return data instanceof Uint8Array ? 255 : 65535;
}

export interface ResizeOptions {
  /** Pixels of the result. */
  width: number;
  height: number;
  /** Adds a border to reach the aspect ratio, instead of cutting. */
  pad: boolean;
  /** Content of the border: one colour, or the outermost pixels repeated. */
  fill: "black" | "white" | "edge";
  /**
   * auto is area to shrink and bicubic to enlarge. Label maps need nearest: other filters mix colours into new ones.
   */
  filter: Filter | "auto";
}

/**
 * The picture at exactly width x height without distortion: the middle part of that aspect ratio is cut out (with
 * `pad`, a border is added instead), then resized.
 */
export function resized(picture: WholePicture, { width, height, pad, fill, filter }: ResizeOptions): WholePicture {
  const wider = picture.width * height > picture.height * width;
  const scaled = (side: number, a: number, b: number) => Math.max(1, Math.round((side * a) / b));
  const [w, h] =
    wider === pad
      ? [picture.width, scaled(picture.width, height, width)]
      : [scaled(picture.height, width, height), picture.height];
  const framed = pad ? padded(picture, w, h, fill) : middle(picture, w, h);
  const shrinks = width * height < framed.width * framed.height;
  return resize(framed, width, height, filter !== "auto" ? filter : shrinks ? "area" : "bicubic");
}

function middle(picture: WholePicture, width: number, height: number): WholePicture {
  const [w, h] = [Math.min(width, picture.width), Math.min(height, picture.height)];
  return crop(picture, Math.floor((picture.width - w) / 2), Math.floor((picture.height - h) / 2), w, h);
}

function padded(picture: WholePicture, width: number, height: number, fill: ResizeOptions["fill"]): WholePicture {
  const { channels, data } = picture;
  const [w, h] = [Math.max(width, picture.width), Math.max(height, picture.height)];
  const [left, top] = [Math.floor((w - picture.width) / 2), Math.floor((h - picture.height) / 2)];
  const out = alike(data, w * h * channels).fill(fill === "white" ? whiteOf(data) : 0);
  const inside = (value: number, size: number) => Math.min(size - 1, Math.max(0, value));
  for (let y = 0; y < h; y++) {
    const row = inside(y - top, picture.height);
    if (fill !== "edge" && row !== y - top) continue;
    for (let x = 0; x < w; x++) {
      const column = inside(x - left, picture.width);
      if (fill !== "edge" && column !== x - left) continue;
      const from = (row * picture.width + column) * channels;
      out.set(data.subarray(from, from + channels), (y * w + x) * channels);
    }
  }
  return { ...picture, width: w, height: h, data: out };
}

/**
 * One picture with A in the left half and B in the right half. It is RGB if one side is, has 16 bits if one side has, and
 * alpha if one side has; the other side is opaque.
 * @throws UserError where the sizes differ
 */
export function sideBySide(a: WholePicture, b: WholePicture): WholePicture {
  if (a.width !== b.width || a.height !== b.height) {
    throw new UserError(
      `A is ${a.width}x${a.height}, B is ${b.width}x${b.height}; the two sides of a pair need one size ` +
        "(pix2pix data resize makes it)",
    );
  }
  const colours = Math.max(coloursOf(a), coloursOf(b));
  const channels = colours + (hasAlpha(a) || hasAlpha(b) ? 1 : 0);
  const deep = whiteOf(a.data) > whiteOf(b.data) ? a.data : b.data;
  const row = a.width * channels;
  const data = alike(deep, 2 * row * a.height);
  for (const [side, picture] of [a, b].entries()) {
    const from = sources(picture, colours, channels);
    const scale = whiteOf(deep) / whiteOf(picture.data);
    for (let y = 0, i = 0; y < a.height; y++) {
      let at = (2 * y + side) * row;
      for (let x = 0; x < a.width; x++, i += picture.channels) {
        for (const c of from) data[at++] = c < 0 ? whiteOf(deep) : scale * picture.data[i + c]!;
      }
    }
  }
  return { width: 2 * a.width, height: a.height, channels, data };
}

const coloursOf = ({ channels }: WholePicture) => (channels < 3 ? 1 : 3);
const hasAlpha = ({ channels }: WholePicture) => channels % 2 === 0;

/** For each channel of the joined picture, the channel of a side that fills it; -1 is opaque alpha. */
function sources(picture: WholePicture, colours: number, channels: number): number[] {
  const grey = coloursOf(picture) === 1;
  const from = Array.from({ length: colours }, (_, c) => (grey ? 0 : c));
  return channels === colours ? from : [...from, hasAlpha(picture) ? picture.channels - 1 : -1];
}

/**
 * An input for inpainting: the picture with a white rectangle in its middle, whose sides are `share` of the picture's.
 * Hesse's tool uses 0.3, the paper's code 0.5.
 */
export function blanked(picture: WholePicture, share: number): WholePicture {
  const { width, height, channels } = picture;
  const data = picture.data.slice();
  const [w, h] = [Math.floor(width * share), Math.floor(height * share)];
  const [left, top] = [Math.floor((width - w) / 2), Math.floor((height - h) / 2)];
  for (let y = top; y < top + h; y++) {
    data.fill(whiteOf(data), (y * width + left) * channels, (y * width + left + w) * channels);
  }
  return { ...picture, data };
}
