/** Event files of TensorBoard, beside the bytes that its own package writes (test/fixtures/make/tfevents.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { fileHeader, restart, summary } from "../../src/formats/tfevents.ts";
import { fixture } from "../paths.ts";
import { missingInPython, runPython } from "../python.ts";

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

it("images have the colour space that their PNG has, as TensorBoard numbers it", () => {
  // https://www.w3.org/TR/png-3/#11IHDR, and Image.colorspace of tensorboard/compat/proto/summary.proto.
  for (const [type, space] of [
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ] as const) {
    const png = new Uint8Array(40);
    png[25] = type;
    const bytes = summary({ seconds: 1, step: 1 }, [{ tag: "x", image: { png, width: 5, height: 2 } }]);
    // height 2, width 5, colour space, then the length of the PNG.
    const fields = [0x08, 2, 0x10, 5, 0x18, space, 0x22, 40];
    expect(Buffer.from(bytes).includes(Buffer.from(fields)), `type ${type}`).toBe(true);
  }
});

const withoutReader = missingInPython("tensorboard");
it.skipIf(withoutReader)(
  `histograms as TensorBoard reads them${withoutReader ? ` (skipped: ${withoutReader})` : ""}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "pix2pix-board-"));
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 3 + 0.5);
    const given = {
      some: values,
      same: new Float32Array(7).fill(2.5),
      broken: Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 3),
      lost: Float32Array.of(Number.NaN),
    };
    const records = Object.entries(given).map(([tag, histogram]) =>
      summary({ seconds: 2, step: 4 }, [{ tag, histogram }]),
    );
    writeFileSync(join(folder, "events.out.tfevents.1.a"), Buffer.concat([fileHeader(1), ...records]));
    const script = fileURLToPath(new URL("read-tfevents.py", import.meta.url));
    const { histograms } = JSON.parse(runPython(script, [folder])) as {
      histograms: Record<
        string,
        Record<"step" | "min" | "max" | "num" | "sum", number> & Record<"limits" | "counts", number[]>
      >;
    };
    rmSync(folder, { recursive: true });
    expect(Object.keys(histograms)).toEqual(Object.keys(given));
    const { some, same, broken, lost } = histograms;
    expect(some).toMatchObject({ step: 4, num: 1000, min: Math.min(...values), max: Math.max(...values) });
    expect(some!.sum).toBeCloseTo(values.reduce((a, b) => a + b));
    some!.limits.forEach((limit, i) => {
      const below = values.filter((v) => v < limit).length;
      const counted = some!.counts.slice(0, i + 1).reduce((a, b) => a + b);
      // The largest value is in the last bucket, whose limit it is.
      if (i < some!.limits.length - 1) expect(counted).toBe(below);
      else expect(counted).toBe(1000);
    });
    expect(same).toMatchObject({ num: 7, min: 2.5, max: 2.5 });
    expect(broken).toMatchObject({ num: 2, min: 1, max: 3, sum: 4 });
    expect(lost).toMatchObject({ num: 0, min: 0, max: 0 });
  },
);
