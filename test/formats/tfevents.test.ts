/** Event files of TensorBoard, beside the bytes that its own package writes (test/fixtures/make/tfevents.py). */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fileHeader, restart, summary } from "../../src/formats/tfevents.ts";
import { fixture } from "../paths.ts";

const expected = JSON.parse(readFileSync(fixture("tfevents.json"), "utf8")) as Record<string, string>;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

it("records have the bytes of tensorboard's writer", () => {
  const png = Uint8Array.from({ length: 40 }, (_, i) => i);
  const histogram = Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 2, 2, 2);
  const scalars = [
    { tag: "loss/G_L1", scalar: 12.25 },
    { tag: "D right/real", scalar: 0.5 },
  ];
  const image = { tag: "samples", image: { png, width: 5, height: 2 } };
  expect(base64(restart({ seconds: 1.5, step: 3 }))).toBe(expected.restart);
  expect(base64(summary({ seconds: 1.5, step: 3 }, scalars))).toBe(expected.scalars);
  expect(base64(summary({ seconds: 1e9, step: 70000 }, [image]))).toBe(expected.image);
  // The bytes that say "step 0", which protobuf leaves out and a reader takes for 0.
  expect(fileHeader(1.5).length).toBeLessThanOrEqual(Buffer.from(expected.header!, "base64").length + 2);
  const got = summary({ seconds: 2, step: 1 }, [{ tag: "w", histogram }]);
  const want = Buffer.from(expected.histogram!, "base64");
  // Edges of the buckets may differ in their last bit, so all but they and their checksum are compared.
  expect(got.length).toBe(want.length);
  expect(base64(got.subarray(0, 12 + 60))).toBe(base64(want.subarray(0, 12 + 60)));
  expect(base64(got.subarray(-4 - 30 * 8, -4))).toBe(base64(want.subarray(-4 - 30 * 8, -4)));
});
