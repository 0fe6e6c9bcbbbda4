/** PNGs that are written in strips, read back by libvips. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { reduceChannels } from "../../src/data/transforms.ts";
import { encodePng, PngWriter } from "../../src/formats/png-encode.ts";
import { joined } from "../../src/formats/streams.ts";
import { images } from "../../src/node/images.ts";

const [width, height] = [123, 57];

describe.each([1, 2, 3, 4])("%d channels", (channels) => {
  it.each([8, 16] as const)("of %d bits, in strips of any height", async (bits) => {
    const values = Uint16Array.from({ length: width * height * channels }, (_, i) => (i * i * 31) ^ (i << 5));
    const data = bits === 16 ? values : Uint8Array.from(values);
    const parts: Uint8Array[] = [];
    const writer = new PngWriter({ width, height, channels, bits }, async (bytes) => void parts.push(bytes));
    for (let row = 0, rows = 1; row < height; row += rows, rows++) {
      await writer.rows(data.subarray(row * width * channels, Math.min(height, row + rows) * width * channels));
    }
    await writer.end();
    const picture = await images.decodeDeep(joined(parts), { alpha: true });
    expect(reduceChannels(picture, channels)).toEqual({ width, height, channels, data });
    expect(Buffer.from(joined(parts)).equals(await encodePng({ width, height, channels, data }))).toBe(true);
  });
});

it("has chunks of bounded size, and waits until they are written", async () => {
  const noise = new Uint8Array(randomBytes(1000 * 1500 * 3));
  const sizes: number[] = [];
  let writing = 0;
  const writer = new PngWriter({ width: 1000, height: 1500, channels: 3, bits: 8 }, async (bytes) => {
    expect(writing++).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1));
    sizes.push(bytes.length);
    writing--;
  });
  await writer.rows(noise);
  await writer.end();
  expect(sizes.length).toBeGreaterThan(5);
  expect(Math.max(...sizes)).toBeLessThan(2 ** 21);
});

it("passes a failure of the disk on, and refuses five channels", async () => {
  const full = async () => Promise.reject(new Error("the disk is full"));
  const form = { width: 2000, height: 1000, channels: 1, bits: 8 } as const;
  const write = async () => {
    const writer = new PngWriter(form, full);
    await writer.rows(new Uint8Array(randomBytes(2000 * 1000)));
    await writer.end();
  };
  await expect(write()).rejects.toThrow("the disk is full");
  expect(() => new PngWriter({ ...form, channels: 5 }, full)).toThrow("A PNG has 1 to 4 channels, got 5.");
});
