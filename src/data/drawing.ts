/** The tool and the colours to draw an input for a generator with, found from the inputs that it was trained on. */
import * as z from "zod";
import type { Picture } from "../platform.ts";
import {
  builtInFacades,
  collectPalette,
  nearestColours,
  type Palette,
  type PaletteColour,
  palettes,
  parsePalette,
} from "./palette.ts";

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

const level = z.int().min(0).max(255);
const rgb = z.tuple([level, level, level]);
const schema = z.object({
  tool: z.enum(["regions", "lines", "photographs"]),
  colours: z.array(z.object({ name: z.string(), rgb })),
  background: rgb,
});

/** A kit from its JSON; undefined for any other text. */
export function parseDrawingKit(text: string): DrawingKit | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The number of pictures that a kit is computed from. More pictures hardly ever change it. */
export const drawingPictures = 8;

/** Most colours of label maps. Among more, a person would not find the wanted one. */
const mostColours = 40;
/** Squared distance in RGB within which a pixel has a colour of the palette; JPEG and resizing move colours. */
const near = 40 ** 2;
/**
 * Share of pixels that must have a colour of the palette, for few and for more colours: photographs have two or three frequent
 * colours, label maps more. Measured on the pix2pix data sets: 0.74 (facades) to 0.99 for label maps, at most 0.69 for photographs.
 */
const flatShare = { few: 0.85, more: 0.65 };
const few = 3;
/** Share of line art that is paper, and that is paper or ink. */
const paperShare = { paper: 0.6, both: 0.95 };
/** Squared distance within which a colour is that of a class. */
const ofClass = 20 ** 2;
/** Share of the pixels that must have colours of one known palette. */
const knownShare = 0.8;

/**
 * The kit for inputs such as these; `drawingPictures` of them are enough. Inputs that are neither label maps nor line art count as
 * photographs.
 */
export function drawingKit(inputs: readonly Picture[]): DrawingKit {
  const colours = collectPalette(inputs);
  const shares = sharesOf(inputs, colours);
  const order = colours.map((_, i) => i).sort((a, b) => shares[b]! - shares[a]!);
  const sorted = order.map((i) => colours[i]!);
  const [paper] = sorted;
  if (!paper || colours.length > mostColours) return photographs;
  const flat = shares.reduce((sum, share) => sum + share, 0);
  const isLineArt = flat >= paperShare.both && shares[order[0]!]! >= paperShare.paper;
  if (isGrey(sorted) && isLineArt && isPaper(paper)) return lines(paper.rgb);
  if (colours.length < 2 || flat < (colours.length > few ? flatShare.more : flatShare.few)) return photographs;
  return {
    tool: "regions",
    colours: named(
      sorted,
      order.map((i) => shares[i]! / flat),
    ),
    background: paper.rgb,
  };
}

const photographs: DrawingKit = { tool: "photographs", colours: [], background: [255, 255, 255] };

function lines(paper: Rgb): DrawingKit {
  const ink: Rgb = paper[0] > 127 ? [0, 0, 0] : [255, 255, 255];
  const colours = [
    { name: "ink", rgb: ink },
    { name: "paper", rgb: paper },
  ];
  return { tool: "lines", colours, background: paper };
}

const isGrey = (colours: Palette) => colours.every(({ rgb: [r, g, b] }) => Math.max(r, g, b) - Math.min(r, g, b) <= 24);
const isPaper = ({ rgb: [r] }: PaletteColour) => r >= 230 || r <= 25;

/** The share of pixels near each colour. */
function sharesOf(inputs: readonly Picture[], colours: Palette): number[] {
  const counts = new Array<number>(colours.length).fill(0);
  if (colours.length === 0) return counts;
  let total = 0;
  for (const input of inputs) {
    const { data, channels } = input;
    const classes = nearestColours(input, colours);
    total += classes.length;
    for (const [i, index] of classes.entries()) {
      const at = i * channels;
      const [r, g, b] = channels < 3 ? [data[at]!, data[at]!, data[at]!] : [data[at]!, data[at + 1]!, data[at + 2]!];
      if (distance(colours[index]!.rgb, [r, g, b]) <= near) counts[index]! += 1;
    }
  }
  return counts.map((n) => n / Math.max(1, total));
}

/**
 * The colours of the facades of the pix2pix data sets, whose label maps are the CMP classes in another colour map. JPEG has
 * changed them by a level or two.
 */
const pix2pixFacades = parsePalette(
  `
0 0 222 background
0 48 255 facade
0 128 255 window
0 207 255 door
32 255 224 cornice
112 255 144 sill
192 255 64 balcony
255 239 0 blind
255 159 0 deco
255 80 0 molding
255 0 0 pillar
174 0 0 shop`,
  "facades",
);

const regions = (palette: Palette): DrawingKit => ({
  tool: "regions",
  colours: palette.map(({ name, rgb }) => ({ name, rgb })),
  background: palette[0]!.rgb,
});

/** A kind of inputs, in words and with its kit. */
export interface KnownInputs {
  help: string;
  kit: DrawingKit;
}

/** Kinds of inputs, for a generator whose data set is not at hand. A new one needs an entry here. */
export const knownInputs = {
  photographs: { help: "photographs", kit: photographs },
  lines: { help: "line drawings, black on white", kit: lines([255, 255, 255]) },
  facades: { help: "label maps of facades, in the colours of pix2pix's data set", kit: regions(pix2pixFacades) },
  cmp: { help: "label maps of facades, in the colours of the CMP database", kit: regions(palettes.facades!) },
  cityscapes: { help: "label maps of Cityscapes", kit: regions(palettes.cityscapes!) },
} as const satisfies Readonly<Record<string, KnownInputs>>;

/**
 * The classes of a known palette, if its colours have most of the pixels (small pictures also have blends of its colours).
 * Otherwise the colours themselves, named by their values.
 * @param shares the share of the pixels that each colour has
 */
function named(colours: Palette, shares: readonly number[]): DrawingKit["colours"] {
  const builtIn = Object.entries(builtInFacades).map(([name, rgb]) => ({ name, rgb }));
  for (const palette of [pix2pixFacades, ...Object.values(palettes), builtIn]) {
    const known = colours.flatMap(({ rgb }, i) =>
      palette.some((each) => distance(each.rgb, rgb) <= ofClass) ? [shares[i]!] : [],
    );
    if (known.length > few && known.reduce((sum, share) => sum + share, 0) >= knownShare) {
      return palette.map(({ name, rgb }) => ({ name, rgb }));
    }
  }
  return colours.map(({ rgb }) => ({ name: hex(rgb), rgb }));
}

const distance = (a: Rgb, b: Rgb) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

const hex = (rgb: Rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
