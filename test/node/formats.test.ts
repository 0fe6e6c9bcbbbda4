/**
 * Every colour space, depth and form of PNG, JPEG, TIFF, WebP and AVIF against Pillow (fixtures/make/formats.py): equal,
 * or refused by name. BMP, GIF and Netpbm are in decode.test.ts, the same table in a browser in ../web/formats.test.ts.
 */
import { describe, expect, it } from "vitest";
import { images } from "../../src/node/images.ts";
import { bytesOf, expected, refusedEverywhere, refusedTiffs, rgbOf, typed } from "../formats.ts";

const refused = { ...refusedEverywhere, ...refusedTiffs };

describe("a file of every form", () => {
  it.each(Object.entries(expected))("%s", async (name, { size, rgb, rgba, type, values }) => {
    const bytes = bytesOf(name);
    const reason = refused[name];
    if (reason) {
      for (const decode of [images.decode, images.decodeDeep]) await expect(decode(bytes)).rejects.toThrow(reason);
      return;
    }
    const picture = await images.decode(bytes);
    if (size) expect([picture.width, picture.height]).toEqual(size);
    if (rgb) expect(rgbOf(picture)).toEqual([...Buffer.from(rgb, "base64")]);
    if (rgba) {
      const whole = await images.decode(bytes, { alpha: true });
      expect(whole.channels).toBe(4);
      expect([...whole.data]).toEqual([...Buffer.from(rgba, "base64")]);
    }
    if (values) expect([...(await images.decodeDeep(bytes)).data]).toEqual([...typed(type!, values)]);
    // A table without a value to compare would say nothing.
    expect(rgb ?? values).toBeDefined();
  });

  it("floats in [-1, 1] become 0 to 255", async () => {
    const floats = typed("float32", expected["grey-float.tif"]!.values!);
    const { data } = await images.decode(bytesOf("grey-float.tif"));
    expect([...data]).toEqual([...floats].map((value) => Math.floor((value + 1) * 127.5 + 0.5)));
  });
});
