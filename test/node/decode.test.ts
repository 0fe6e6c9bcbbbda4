/** Every form of file that is decoded with our code, and turned TIFFs, against Pillow (fixtures/make/decode.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { images } from "../../src/node/images.ts";
import type { DeepPicture } from "../../src/platform.ts";
import { fixture } from "../paths.ts";

interface Expected {
  mode: string;
  size: [width: number, height: number];
  rgb: string;
  rgba?: string;
  /** Little-endian words. */
  grey16?: string;
}

const expected = JSON.parse(readFileSync(fixture("decode/expected.json"), "utf8")) as Record<string, Expected>;
const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(`decode/${name}`)));
const values = (text: string) => [...Buffer.from(text, "base64")];
const rgb = ({ channels, data }: DeepPicture) => (channels === 1 ? [...data].flatMap((v) => [v, v, v]) : [...data]);

describe("decode equals Pillow", () => {
  it.each(Object.entries(expected))("%s", async (name, { mode, size, ...wanted }) => {
    const picture = await images.decode(bytesOf(name));
    expect([picture.width, picture.height]).toEqual(size);
    if (["1", "L", "I", "I;16"].includes(mode)) expect(picture.channels).toBe(1);
    expect(rgb(picture)).toEqual(values(wanted.rgb));
    if (wanted.rgba) {
      expect([...(await images.decode(bytesOf(name), { alpha: true })).data]).toEqual(values(wanted.rgba));
    }
    if (wanted.grey16) {
      const deep = await images.decodeDeep!(bytesOf(name));
      expect(Buffer.from(Uint16Array.from(deep.data).buffer).toString("base64")).toBe(wanted.grey16);
    }
  });

  it("refuses damaged files by name of their fault", async () => {
    for (const name of Object.keys(expected).filter((each) => !/^plain|tif$/.test(each))) {
      const bytes = bytesOf(name);
      await expect(images.decode(bytes.subarray(0, bytes.length - 40)), name).rejects.toThrow(
        /^not a readable picture/,
      );
    }
  });
});
