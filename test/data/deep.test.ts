/** Pictures of 16 bits, of floats and of any number of channels: decoded, resized, written and shown. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Filter, resize } from "../../src/data/resize.ts";
import { eightBit, fromTensor, fromTensor16, reduceChannels, toTensor } from "../../src/data/transforms.ts";
import { DatasetError, UserError } from "../../src/errors.ts";
import { decodeNpy, encodeNpy } from "../../src/formats/npy.ts";
import { decodePng } from "../../src/formats/png.ts";
import { encodePng } from "../../src/formats/png-encode.ts";
import { images } from "../../src/node/images.ts";
import type { DeepPicture, Picture, Samples } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

const folder = fixture("deep/");
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
type Kind = "uint8" | "uint16" | "float32";
/** Arrays of NumPy, tifffile and Pillow, written by fixtures/make/data.py. */
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as {
  files: Record<string, { width: number; height: number; channels: number; kind: Kind; bytes: string }>;
  resizes: {
    channels: number;
    kind: Kind;
    from: [number, number];
    to: [number, number];
    filter: Filter;
    bytes: string;
  }[];
};
const kinds = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
const unpacked = (kind: Kind, text: string) => new kinds[kind](new Uint8Array(Buffer.from(text, "base64")).buffer);

/** values() of fixtures/make/data.py. */
function drawn(width: number, height: number, channels: number, kind: Kind): DeepPicture {
  const data = new kinds[kind](width * height * channels);
  for (let i = 0; i < data.length; i++) {
    let h = Math.imul(i, 2654435761) >>> 0;
    h ^= h >>> 15;
    h = Math.imul(h, 2246822519) >>> 0;
    h ^= h >>> 13;
    data[i] = kind === "float32" ? (h & 65535) / 32767.5 - 1 : kind === "uint16" ? h & 65535 : h & 255;
  }
  return { width, height, channels, data };
}

describe("decodeDeep gives the values as they are stored", () => {
  for (const [name, { width, height, channels, kind, bytes }] of Object.entries(expected.files)) {
    test(name, async () => {
      const read = await images.decodeDeep(bytesOf(name), { alpha: true });
      const picture = name === "2-16.png" ? reduceChannels(read, 2) : read; // grey with alpha comes as RGBA
      expect([picture.width, picture.height, picture.channels]).toEqual([width, height, channels]);
      expect(picture.data).toEqual(unpacked(kind, bytes));
      const alpha = name.endsWith("-16.png") || name === "4-uint16.tif";
      expect(picture.bands ?? false).toBe(channels > 4 || (channels % 2 === 0 && !alpha));
    });
  }

  test("alpha is dropped unless asked for; 8-bit pictures are those of decode", async () => {
    const { channels, data } = await images.decodeDeep(bytesOf("4-16.png"));
    expect([channels, data[3]]).toEqual([3, unpacked("uint16", expected.files["4-16.png"]!.bytes)[4]]);
    for (const name of ["rgb.png", "palette.png", "grey-alpha.png", "cmyk.jpg", "rgb.tif"]) {
      const bytes = readFileSync(new URL(`../images/${name}`, folder));
      expect(await images.decodeDeep(bytes, { alpha: true })).toEqual(await images.decode(bytes, { alpha: true }));
    }
  });

  test("decode makes 8 bits of all of them, of bands the first three", async () => {
    const of = (name: string) => unpacked(expected.files[name]!.kind, expected.files[name]!.bytes);
    const grey = await images.decode(bytesOf("1-uint16.npy"));
    expect([...grey.data]).toEqual([...of("1-uint16.npy")].map((v) => v >> 8));
    const five = await images.decode(bytesOf("5-uint8.tif"));
    expect(five.channels).toBe(3);
    expect([...five.data.subarray(0, 6)]).toEqual([0, 1, 2, 5, 6, 7].map((i) => of("5-uint8.tif")[i]));
    const floats = await images.decode(bytesOf("5-float32.npy"));
    expect(floats.data[4]).toBe(Math.round((of("5-float32.npy")[6]! + 1) * 127.5));
  });
});

describe(".npy files that cannot be used say why", () => {
  const npy = (header: string, body = 0) => {
    const head = `\x93NUMPY\x01\x00${String.fromCharCode(header.length, 0)}${header}`;
    return Uint8Array.from([...head].map((c) => c.charCodeAt(0)).concat(new Array(body).fill(0)));
  };
  const array = (shape: string, descr = "|u1", order = "False") =>
    `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  test.each([
    [npy(array("5,")), "got 1 axes, (5)"],
    [npy(array("1, 2, 3, 4"), 24), "height x width x channels is expected, got 4 axes, (1, 2, 3, 4)"],
    [npy(array("3, 256, 256"), 3 * 65536), "Save array.transpose(1, 2, 0)"],
    [npy(array("0, 4")), "got 2 axes, (0, 4)"],
    [npy(array("2, 2", "<f8"), 32), 'got "<f8"; convert it, for example with array.astype(numpy.float32)'],
    [npy(array("2, 2", ">u2"), 8), 'little-endian, got ">u2"'],
    [npy(array("2, 2", "|u1", "True"), 4), "save numpy.ascontiguousarray(array)"],
    [npy(array("2, 2"), 3), "needs 4 bytes of values, got 3"],
    [npy("{'descr'"), "a damaged .npy header"],
    [encodeNpy({ width: 2, height: 1, channels: 1, data: Float32Array.of(0.5, 200) }), "got 0.500000 to 200.000"],
    [encodeNpy({ width: 2, height: 1, channels: 1, data: Float32Array.of(0, Number.NaN) }), "not numbers (NaN)"],
  ])("%#", async (bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(UserError);
    expect(() => decodeNpy(bytes)).toThrow(message);
    await expect(images.decodeDeep(bytes)).rejects.toThrow(message);
  });

  test("encodeNpy writes what NumPy writes", () => {
    for (const name of Object.keys(expected.files).filter((name) => name.endsWith(".npy"))) {
      expect(encodeNpy(decodeNpy(bytesOf(name)))).toEqual(bytesOf(name));
    }
  });
});

describe("resize at full depth equals Pillow's mode F", () => {
  for (const { channels, kind, from, to, filter, bytes } of expected.resizes) {
    test(`${filter} ${kind} ${channels} x ${from.join("x")} -> ${to.join("x")}`, () => {
      const picture = { ...drawn(...from, channels, kind), bands: kind === "float32" };
      const out = resize(picture, ...to, filter);
      expect([out.width, out.height, out.channels, out.bands]).toEqual([...to, channels, picture.bands]);
      const wanted = unpacked(kind, bytes);
      // With alpha, Pillow's own arithmetic has no counterpart in mode F but float32 products: 1 of 65535 may differ.
      const slack = kind === "uint16" && channels % 2 === 0 ? 1 : 0;
      const off = [...out.data].filter((v, i) => Math.abs(v - wanted[i]!) > slack);
      expect([off, out.data.length]).toEqual([[], wanted.length]);
    });
  }

  test("each band is resized separately, even where their number is that of RGBA", () => {
    const picture = { ...drawn(12, 10, 4, "uint8"), bands: true };
    const out = resize(picture, 7, 5);
    for (let c = 0; c < 4; c++) {
      const one = { ...picture, channels: 1, bands: false, data: picture.data.filter((_, i) => i % 4 === c) };
      expect(resize(one, 7, 5).data).toEqual(out.data.filter((_, i) => i % 4 === c));
    }
  });
});

describe("values of the networks", () => {
  test("16 bits: both ends and the way back, for every value", () => {
    const data = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = toTensor({ width: 256, height: 256, channels: 1, data }, 1);
    expect([values[0], values[65535], values[32768]! * 65535]).toEqual([-1, 1, expect.closeTo(1, 2)]);
    expect(fromTensor16(values, 1, 256, 256).data).toEqual(data);
  });

  test("grey of 16 bits and of floats by Pillow's weights", () => {
    const wide = reduceChannels({ width: 1, height: 1, channels: 3, data: Uint16Array.of(65535, 1000, 40000) }, 1);
    expect([...wide.data]).toEqual([Math.round(0.299 * 65535 + 0.587 * 1000 + 0.114 * 40000)]);
    const floats = reduceChannels({ width: 1, height: 1, channels: 3, data: Float32Array.of(1, 0.5, -1) }, 1);
    expect(floats.data[0]).toBeCloseTo(0.299 + 0.2935 - 0.114, 4);
  });

  test("floats and bands pass as they are, others are refused with the number of channels", () => {
    const picture: Picture<Samples> = { ...drawn(3, 2, 5, "float32"), bands: true };
    const values = toTensor(picture, 5);
    expect([...values].slice(0, 6)).toEqual([0, 5, 10, 15, 20, 25].map((i) => picture.data[i]));
    expect(() => reduceChannels(picture, 3, "x.npy")).toThrow(DatasetError);
    expect(() => reduceChannels(picture, 3, "x.npy")).toThrow(
      "x.npy has 5 channels that are no colours, but 3 are expected of it. Set --input-nc or --output-nc to 5",
    );
    expect(() => reduceChannels(drawn(3, 2, 3, "uint8"), 7, "x.png")).toThrow(
      "x.png has 3 channels, but 7 are expected of it. Set --input-nc or --output-nc to 3, or give pictures of 7 channels (.npy",
    );
  });

  test("of more than 4 channels the first three are shown", () => {
    const values = toTensor({ ...drawn(3, 2, 6, "uint8"), bands: true }, 6);
    expect(fromTensor(values, 6, 2, 3)).toEqual(fromTensor(values.subarray(0, 18), 3, 2, 3));
  });

  test("eightBit takes the upper byte of 16", () => {
    const picture = { width: 2, height: 1, channels: 1, data: Uint16Array.of(511, 65535) };
    expect([...eightBit(picture).data]).toEqual([1, 255]);
  });
});

describe.each([1, 2, 3, 4])("16-bit PNG, %d channels", (channels) => {
  const picture = drawn(5, 4, channels, "uint16") as Picture<Uint16Array>;

  test("encodePng keeps all bits", async () => {
    const png = await images.encodePng(picture);
    expect([...png.subarray(24, 26)]).toEqual([16, [0, 4, 2, 6][channels - 1]]);
    expect(reduceChannels(await images.decodeDeep(png, { alpha: true }), channels)).toEqual(picture);
  });

  test("the browser's own reads and writes the same", async () => {
    const back = await images.decodeDeep(await encodePng(picture), { alpha: true });
    expect(reduceChannels(back, channels)).toEqual(picture);
    for (const alpha of [true, false]) {
      const png = await images.encodePng(picture);
      expect(await decodePng(png, { alpha, deep: true })).toEqual(await images.decodeDeep(png, { alpha }));
      expect(await decodePng(png, { alpha })).toEqual(await images.decode(png, { alpha }));
    }
  });
});
