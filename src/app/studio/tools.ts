/** The drawing tools. A new tool is one entry of `tools`, with an icon in icons.tsx. */
import type { DrawingKit, DrawingTool } from "../../data/drawing.ts";
import type { Picture } from "../../platform.ts";
import { colourAt, drawLine, drawRectangle, fillRectangle, floodFill, type Point, type Rgb } from "./raster.ts";

export type ToolName = "pen" | "line" | "rectangle" | "fill" | "eraser" | "picker";

/** The settings with which a tool draws. */
export interface ToolSettings {
  rgb: Rgb;
  background: Rgb;
  /** Width of lines in pixels. */
  thick: number;
  kit: DrawingTool;
}

interface Tool {
  title: string;
  /** Its key on the keyboard. */
  key: string;
  /**
   * stroke: each movement adds to the picture. shape: drawn from the first point to the last, anew at each movement. click: acts
   * once.
   */
  kind: "stroke" | "shape" | "click";
  /** Draws on the picture. `from` is the last point of a stroke, or the first of a shape. */
  draw(picture: Picture, from: Point, to: Point, settings: ToolSettings): void;
}

/** In photographs, fill takes pixels of similar colours: the largest difference in each channel. */
const photographTolerance = 24;

export const tools: Record<ToolName, Tool> = {
  pen: {
    title: "Pen",
    key: "p",
    kind: "stroke",
    draw: (picture, from, to, { thick, rgb }) => drawLine(picture, from, to, thick, rgb),
  },
  line: {
    title: "Line",
    key: "l",
    kind: "shape",
    draw: (picture, from, to, { thick, rgb }) => drawLine(picture, from, to, thick, rgb),
  },
  rectangle: {
    title: "Rectangle",
    key: "r",
    kind: "shape",
    draw: (picture, from, to, { thick, rgb, kit }) =>
      kit === "lines" ? drawRectangle(picture, from, to, thick, rgb) : fillRectangle(picture, from, to, rgb),
  },
  fill: {
    title: "Fill",
    key: "f",
    kind: "click",
    draw: (picture, _, to, { rgb, kit }) =>
      floodFill(picture, to, rgb, kit === "photographs" ? photographTolerance : 0),
  },
  eraser: {
    title: "Eraser",
    key: "e",
    kind: "stroke",
    draw: (picture, from, to, { thick, background }) => drawLine(picture, from, to, thick, background),
  },
  picker: { title: "Pick a colour", key: "i", kind: "click", draw: () => {} },
};

export const toolNames = Object.keys(tools) as ToolName[];

/** The tool that a kit begins with. */
export const firstTool = (kit: DrawingTool): ToolName => (kit === "regions" ? "rectangle" : "pen");

/** The width of lines that a kit begins with, for a sheet of this width. */
export const firstThickness = (kit: DrawingTool, width: number): number =>
  Math.max(1, Math.round(width / (kit === "lines" ? 128 : 32)));

/** The widest line that a kit offers on a sheet of this width, in pixels. */
export const widestLine = (kit: DrawingTool, width: number): number => Math.max(64, firstThickness(kit, width));

/** The width of lines after a press of "[", an eighth less. */
export const thinner = (thick: number): number => Math.max(1, thick - Math.ceil(thick / 8));

/** The width of lines after a press of "]", an eighth more. */
export const thicker = (thick: number, widest: number): number => Math.min(widest, thick + Math.ceil(thick / 8));

/** The colour at a point, as the picker takes it: of a palette the nearest colour. */
export function pickedColour(picture: Picture, point: Point, { tool, colours }: DrawingKit): Rgb | undefined {
  const rgb = colourAt(picture, point);
  if (!rgb || tool !== "regions") return rgb;
  const far = (other: Rgb) => other.reduce((sum, value, c) => sum + (value - rgb[c]!) ** 2, 0);
  const [first = rgb, ...rest] = colours.map((colour) => colour.rgb);
  return rest.reduce((near, next) => (far(next) < far(near) ? next : near), first);
}
