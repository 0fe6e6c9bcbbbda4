/** Palettes of label maps: the class of a colour, and the colour of a class. */
import { ConfigError } from "../errors.ts";
import type { Picture } from "../platform.ts";
import { visible } from "../text.ts";

/** A class of a label map. `rgb` is in 0 to 255. */
export interface PaletteColour {
  name: string;
  rgb: readonly [number, number, number];
  /** Not a class: pixels of a target with this colour are not scored. */
  ignored: boolean;
}

/** The classes of a label map and their colours. */
export type Palette = readonly PaletteColour[];

/** Names of colours that are not classes, in palette files and below. */
const ignoredNames = ["void", "ignore", "unlabeled"];

/** Colours of a palette at most: a class is a byte. */
const mostColours = 256;

/** The 19 classes of Cityscapes that are scored, in the order of their train ids, and the colour of all others (Cordts et al. 2016). */
const cityscapes = `
128 64 128 road
244 35 232 sidewalk
70 70 70 building
102 102 156 wall
190 153 153 fence
153 153 153 pole
250 170 30 traffic light
220 220 0 traffic sign
107 142 35 vegetation
152 251 152 terrain
70 130 180 sky
220 20 60 person
255 0 0 rider
0 0 142 car
0 0 70 truck
0 60 100 bus
0 80 100 train
0 0 230 motorcycle
119 11 32 bicycle
0 0 0 void`;

/** The 12 classes of the CMP Facade Database, in its order (Tylecek and Sara 2013). */
const facades = `
0 0 170 background
0 0 255 facade
0 85 255 window
0 170 255 door
0 255 255 cornice
85 255 170 sill
170 255 85 balcony
255 255 0 blind
255 170 0 deco
255 85 0 molding
255 0 0 pillar
170 0 0 shop`;

/** The classes of the built-in facades (demo/). Colours are similar to those of the CMP Facade Database: few, flat, far apart. */
export const builtInFacades = {
  sky: [0, 0, 110],
  street: [70, 70, 70],
  plaster: [0, 0, 255],
  brick: [220, 0, 255],
  stone: [130, 130, 255],
  roof: [110, 0, 130],
  tree: [0, 200, 85],
  window: [0, 128, 255],
  door: [0, 192, 255],
  cornice: [0, 255, 255],
  sill: [85, 255, 170],
  balcony: [170, 255, 85],
  shutter: [255, 255, 0],
  deco: [255, 170, 0],
  pillar: [255, 85, 0],
  awning: [255, 0, 0],
  shop: [170, 0, 0],
} as const satisfies Record<string, readonly [number, number, number]>;

/** The palette with its classes first: indices from `classes.length` on are not classes. */
export function classesFirst(palette: Palette): { colours: Palette; classes: string[] } {
  const colours = [...palette].sort((a, b) => Number(a.ignored) - Number(b.ignored));
  return { colours, classes: colours.filter(({ ignored }) => !ignored).map(({ name }) => name) };
}

/** The palettes that --palette takes by name. */
export const palettes: Readonly<Record<string, Palette>> = {
  cityscapes: parsePalette(cityscapes, "cityscapes"),
  facades: parsePalette(facades, "facades"),
};

/**
 * Reads a palette file: one colour a line, "R G B name" or "#rrggbb name". The name is optional; void, ignore and
 * unlabeled are not classes. Empty lines and the text after // are left out.
 * @throws ConfigError naming the line, and for fewer than 2 classes or more than 256 colours
 */
export function parsePalette(text: string, where: string): Palette {
  const palette = text.split(/\r?\n/).flatMap((line, i): PaletteColour[] => {
    const [plain = ""] = line.split("//");
    if (plain.trim() === "") return [];
    const [, hex, decimal, rest = ""] =
      /^\s*(?:#([0-9a-f]{6})|((?:\d{1,3}[\s,]+){2}\d{1,3}))(?:[\s,]+(.*))?$/i.exec(plain) ?? [];
    const rgb = hex
      ? [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
      : decimal?.split(/[\s,]+/).map(Number);
    if (!rgb || rgb.some((value) => value > 255)) {
      throw new ConfigError(
        `${where}, line ${i + 1}: got "${visible(line.trim().slice(0, 60))}", expected a colour such as "128 64 128 road" or "#804080 road"`,
      );
    }
    const name = rest.trim() || rgb.join(" ");
    return [{ name, rgb: [rgb[0]!, rgb[1]!, rgb[2]!], ignored: ignoredNames.includes(name.toLowerCase()) }];
  });
  const classes = palette.filter(({ ignored }) => !ignored).length;
  if (classes < 2) {
    throw new ConfigError(
      `${where}: expected a palette of at least two classes, got ${classes} (${ignoredNames.join(", ")} are none)`,
    );
  }
  if (palette.length > mostColours) {
    throw new ConfigError(
      `${where}: expected at most ${mostColours} colours, got ${palette.length}; leave out classes that are not scored`,
    );
  }
  return palette;
}

/**
 * The colours of label maps that resizing or JPEG has blurred. The most frequent colour is taken first, then repeatedly the
 * most frequent one that is further than `distance` from those taken, as long as it has 1 in 1000 of all pixels;
 * 64 at most.
 */
export function collectPalette(pictures: Iterable<Picture>, distance = 48): Palette {
  const counts = new Map<number, number>();
  for (const { data, channels } of pictures) {
    for (let i = 0; i < data.length; i += channels) {
      const key = keyOf(data, i, channels);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
  const taken: PaletteColour["rgb"][] = [];
  for (const [key, count] of sorted) {
    if (taken.length === 64 || count * 1000 < total) break;
    const rgb = colourOf(key);
    if (taken.every((other) => apart(rgb, other) > distance ** 2)) taken.push(rgb);
  }
  return taken.map((rgb) => ({ name: rgb.join(" "), rgb, ignored: false }));
}

/**
 * The class of each pixel: the index of the nearest colour by squared distance in RGB, the first of equally near ones.
 *
 * @example
 * ```ts
 * import { Confusion, nearestColours, palettes } from "pix2pix";
 * import { nodePlatform } from "pix2pix/node";
 *
 * const { files, images } = await nodePlatform();
 * const classesOf = async (file: string) =>
 *   nearestColours(await images.decode(await files.read(file)), palettes.facades!);
 * const confusion = new Confusion(palettes.facades!.length);
 * confusion.add(await classesOf("new/label.png"), await classesOf("new/label.png"));
 * console.log(confusion.scores().pixel); // about 1: the pictures are the same
 * ```
 */
export function nearestColours({ data, channels }: Picture, palette: Palette): Uint8Array {
  const known = new Map<number, number>();
  const classes = new Uint8Array(data.length / channels);
  for (let i = 0, at = 0; i < classes.length; i++, at += channels) {
    const key = keyOf(data, at, channels);
    let nearest = known.get(key);
    if (nearest === undefined) {
      const rgb = colourOf(key);
      const distances = palette.map((colour) => apart(rgb, colour.rgb));
      nearest = distances.indexOf(Math.min(...distances));
      known.set(key, nearest);
    }
    classes[i] = nearest;
  }
  return classes;
}

/** The label map of classes, one index a pixel, in the colours of the palette. */
export function paint(
  classes: Uint8Array,
  palette: Palette,
  { width, height }: { width: number; height: number },
): Picture {
  const data = new Uint8Array(3 * classes.length);
  for (const [i, index] of classes.entries()) data.set(palette[index]!.rgb, 3 * i);
  return { width, height, channels: 3, data };
}

function keyOf(data: Uint8Array, at: number, channels: number): number {
  if (channels < 3) return data[at]! * 0x10101;
  return (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
}

const colourOf = (key: number): PaletteColour["rgb"] => [key >> 16, (key >> 8) & 255, key & 255];

const apart = (a: PaletteColour["rgb"], b: PaletteColour["rgb"]): number =>
  (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
