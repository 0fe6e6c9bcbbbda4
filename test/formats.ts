/** The table of picture files that decoders are held against, from fixtures/make/formats.py. */
import { readFileSync } from "node:fs";
import { fixture } from "./paths.ts";

interface Expected {
  /** Pillow's. */
  mode?: string;
  size?: [width: number, height: number];
  rgb?: string;
  rgba?: string;
  /** Of `values`. */
  type?: "uint16" | "float32";
  /** Little-endian. */
  values?: string;
}

export const expected = JSON.parse(readFileSync(fixture("formats/expected.json"), "utf8")) as Record<string, Expected>;

export const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(fixture(`formats/${name}`)));

/** The numbers of a base64 text. */
export function typed(type: "uint16" | "float32", text: string): Uint16Array | Float32Array {
  const { buffer } = new Uint8Array(Buffer.from(text, "base64"));
  return type === "uint16" ? new Uint16Array(buffer) : new Float32Array(buffer);
}

/** A picture as RGB values, grey repeated. */
export function rgbOf({ channels, data }: { channels: number; data: Iterable<number> }): number[] {
  return channels === 1 ? [...data].flatMap((value) => [value, value, value]) : [...data];
}

const named = (names: readonly string[], reason: RegExp) => Object.fromEntries(names.map((name) => [name, reason]));

/** Files that neither Node nor a browser reads: readers give them different values. */
export const refusedEverywhere: Record<string, RegExp> = named(
  Object.keys(expected).filter((name) => name.endsWith(".avif")),
  /: (the format heif is not supported; PNG, JPEG, WebP, TIFF|no picture of a form that browsers read alike: PNG, JPEG, WebP)/,
);

/** TIFFs that are refused, by the name of their form. */
export const refusedTiffs: Record<string, RegExp> = {
  "cmyk-16.tif": /: a CMYK TIFF of 16 bits; save it as PNG$/,
  "lab.tif": /: a TIFF in L\*a\*b\*; save it as PNG$/,
  "ycbcr.tif": /: a TIFF in YCbCr without JPEG compression; save it as PNG$/,
  "rgb-zstd.tif": /: a TIFF with Zstandard compression; save it as PNG$/,
  "grey-half.tif": /: a TIFF of 16-bit floats; 32-bit floats in \[-1, 1\] are read$/,
  "grey-double.tif": /: a TIFF of 64-bit floats; 32-bit floats in \[-1, 1\] are read$/,
  ...named(["grey-32.tif", "rgb-32.tif"], /: a TIFF of whole numbers of 32 bits; 8 and 16 bits are read$/),
  ...named(
    ["grey-signed-8.tif", "grey-signed-16.tif", "grey-signed-32.tif"],
    /: a TIFF of whole numbers with a sign \(\d+ bits\); save it as PNG$/,
  ),
};
