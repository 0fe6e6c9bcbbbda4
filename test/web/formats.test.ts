/** The table of ../node/formats.test.ts in a browser: equal to Pillow, or refused by name. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { bytesOf, expected, refusedEverywhere, rgbOf, typed } from "../formats.ts";
import { inChromium, sharePage } from "./browser/chromium.ts";
import type { Harness } from "./browser/harness.ts";

declare const pix2pix: Harness;

function refusal(name: string): RegExp | undefined {
  if (name.endsWith(".tif"))
    return /: no picture of a form that browsers read alike: PNG, JPEG, WebP, BMP, GIF or Netpbm/;
  if (/^(cmyk|ycck)\.jpg$/.test(name)) return /: a CMYK JPEG; save it as RGB/;
  if (/-alpha\.webp$/.test(name)) return /: a WebP with transparency; save it as PNG/;
  return refusedEverywhere[name];
}

inChromium("a file of every form", () => {
  let page: Page;
  sharePage({
    entry: "test/web/browser/harness.ts",
    use: (opened) => {
      page = opened;
    },
  });

  const decode = (name: string, { alpha = false, deep = false } = {}) =>
    page.evaluate(
      async ({ text, alpha, deep }) => {
        const { images, toBytes } = pix2pix;
        const picture = await (deep ? images.decodeDeep! : images.decode)(toBytes(text), { alpha });
        return { ...picture, data: [...picture.data] };
      },
      { text: Buffer.from(bytesOf(name)).toString("base64"), alpha, deep },
    );

  it.each(Object.entries(expected))("%s", async (name, { size, rgb, rgba, type, values }) => {
    const reason = refusal(name);
    if (reason) {
      await expect(decode(name)).rejects.toThrow(reason);
      return;
    }
    const picture = await decode(name);
    if (size) expect([picture.width, picture.height]).toEqual(size);
    expect(rgbOf(picture)).toEqual([...Buffer.from(rgb!, "base64")]);
    if (rgba && !name.endsWith(".webp")) {
      expect((await decode(name, { alpha: true })).data).toEqual([...Buffer.from(rgba, "base64")]);
    }
    if (values) expect((await decode(name, { deep: true })).data).toEqual([...typed(type!, values)]);
  });
});
