/** CRC-32 against zlib's. */
import { randomBytes } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, it } from "vitest";
import { crc32 } from "../../src/formats/crc32.ts";

it("is zlib's, for every length modulo 8 and wherever the bytes begin", () => {
  const bytes = new Uint8Array(randomBytes(1000));
  for (let start = 0; start < 9; start++) {
    for (const length of [0, 1, 7, 8, 9, 15, 16, 17, 255, 991]) {
      const part = bytes.subarray(start, start + length);
      expect(crc32(part), `${length} bytes from ${start}`).toBe(zlibCrc32(part));
    }
  }
});
