/** How a person makes an input for a generator: what to draw with, found from the inputs that it was trained on. */
import * as z from "zod";
import type { Picture } from "../platform.ts";
import { collectPalette, nearestColours, type Palette, type PaletteColour, palettes } from "./palette.ts";

/**
 * regions: label maps of few flat colours, drawn by rectangles and fill. lines: line art, drawn by a pen. photographs:
 * pictures that are not drawn but uploaded or taken by a camera.
 */
export type DrawingTool = "regions" | "lines" | "photographs";

export interface DrawingKit {
  tool: DrawingTool;
  /** The colours to draw with, most frequent first. */
  colours: readonly { name: string; rgb: Rgb }[];
  /** The colour of an empty sheet. */
  background: Rgb;
}

type Rgb = readonly [number, number, number];

const rgb = z.tuple([z.int(), z.int(), z.int()]);
const schema = z.object({
  tool: z.enum(["regions", "lines", "photographs"]),
  colours: z.array(z.object({ name: z.string(), rgb })),
  background: rgb,
});

/** A kit from its JSON; undefined where the text is none. */
export function parseDrawingKit(text: string): DrawingKit | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Pictures that a kit is computed from: more do not change it. */
export const drawingPictures = 16;

/** Most colours of label maps: with more, a person would not find the one that is wanted. */
const mostColours = 40;
/** Squared distance in RGB within which a pixel has a colour of the palette; JPEG and resizing move colours. */
const near = 40 ** 2;
/** Share of pixels that must have a colour of the palette. The others are borders that resizing has mixed. */
const flatShare = 0.9;
/** Share of line art that is paper. */
const paperShare = 0.6;

/**
 * The kit for inputs such as these, at best `drawingPictures` of them. What is neither label maps nor line art is photographs.
 */
export function drawingKit(inputs: readonly Picture[]): DrawingKit {
  const colours = collectPalette(inputs).slice(0, mostColours + 1);
  const shares = sharesOf(inputs, colours);
  const flat = shares.reduce((sum, share) => sum + share, 0);
  const order = colours.map((_, i) => i).sort((a, b) => shares[b]! - shares[a]!);
  const sorted = order.map((i) => colours[i]!);
  const [paper] = sorted;
  if (!paper || colours.length > mostColours) return photographs;
  if (isGrey(sorted) && shares[order[0]!]! >= paperShare && isPaper(paper)) return lines(paper);
  if (flat < flatShare || colours.length < 2) return photographs;
  return { tool: "regions", colours: named(sorted), background: paper.rgb };
}

const photographs: DrawingKit = { tool: "photographs", colours: [], background: [255, 255, 255] };

function lines({ rgb }: PaletteColour): DrawingKit {
  const ink = rgb[0] > 127 ? ([0, 0, 0] as const) : ([255, 255, 255] as const);
  return {
    tool: "lines",
    colours: [
      { name: "ink", rgb: ink },
      { name: "paper", rgb },
    ],
    background: rgb,
  };
}

const isGrey = (colours: Palette) => colours.every(({ rgb: [r, g, b] }) => Math.max(r, g, b) - Math.min(r, g, b) <= 24);
const isPaper = ({ rgb: [r] }: PaletteColour) => r >= 230 || r <= 25;

/** The share of pixels near each colour. */
function sharesOf(inputs: readonly Picture[], colours: Palette): number[] {
  const counts = new Array<number>(colours.length).fill(0);
  let total = 0;
  for (const input of inputs) {
    const { data, channels } = input;
    const classes = nearestColours(input, colours);
    total += classes.length;
    for (const [i, index] of classes.entries()) {
      const rgb = colours[index]?.rgb;
      if (!rgb) continue;
      const at = i * channels;
      const [r, g, b] = channels < 3 ? [data[at]!, data[at]!, data[at]!] : [data[at]!, data[at + 1]!, data[at + 2]!];
      if ((r - rgb[0]) ** 2 + (g - rgb[1]) ** 2 + (b - rgb[2]) ** 2 <= near) counts[index]! += 1;
    }
  }
  return counts.map((n) => n / Math.max(1, total));
}

/** The colours with the names of a known palette, where nearly all are of one. */
function named(colours: Palette): DrawingKit["colours"] {
  for (const palette of Object.values(palettes)) {
    const partners = colours.map(({ rgb }) => palette.find((known) => distance(known.rgb, rgb) <= near / 2));
    const found = partners.filter((partner) => partner !== undefined);
    if (found.length >= 0.8 * colours.length && found.length >= 4) {
      return palette.map(({ name, rgb }) => ({ name, rgb }));
    }
  }
  return colours.map(({ rgb }) => ({ name: hex(rgb), rgb }));
}

const distance = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

const hex = (rgb: readonly number[]) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
