/** Weights in half precision and in 8 bits. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { compactWeights, expandWeights } from "../../src/formats/compact.ts";
import { fromHalf, toHalf } from "../../src/formats/half.ts";
import { decode, encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { joined } from "../../src/formats/streams.ts";
import { Random } from "../../src/random.ts";
import { fixture } from "../paths.ts";

interface Halves {
  values: number[];
  bits: number[];
  back: (number | string)[];
}

it("halves are NumPy's, ties, subnormal ones and infinities included", () => {
  const { values, bits, back } = JSON.parse(readFileSync(fixture("half.json"), "utf8")) as Halves;
  expect([...toHalf(Float32Array.from(values))]).toEqual(bits);
  const expected = back.map((value) => (value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value)));
  expect([...fromHalf(Uint16Array.from(bits))]).toEqual(expected);
});

it("every half that is a number goes to a float and back", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7fff) <= 0x7c00);
  expect([...toHalf(fromHalf(all))]).toEqual([...all]);
});

const random = new Random(1, "weights", 0);
const weight: StoredTensor = {
  dtype: "F32",
  shape: [4, 3, 2, 2],
  data: Float32Array.from({ length: 48 }, (_, i) => random.normal() * 0.02 * (1 + Math.floor(i / 12))),
};
const bias: StoredTensor = { dtype: "F32", shape: [3], data: Float32Array.of(0.1, -0.25, 3) };
const count: StoredTensor = { dtype: "I64", shape: [], data: BigInt64Array.of(7n) };
const sent = (precision: "float16" | "int8") =>
  joined(encode(compactWeights({ weight, bias, "n.num_batches_tracked": count }, precision)));
const received = (bytes: Uint8Array) => decode(expandWeights(bytes, "weights")).tensors;

it("float16 keeps each value to half a unit in the last place", () => {
  const { weight: back, ...rest } = received(sent("float16"));
  for (const [i, value] of (weight.data as Float32Array).entries()) {
    expect(Math.abs(Number(back!.data[i]) - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
  }
  expect(rest["n.num_batches_tracked"]).toEqual(count);
});

it("int8 keeps each value to half a step of its filter, and biases as they are", () => {
  const bytes = sent("int8");
  expect(decode(bytes).tensors.weight).toMatchObject({ dtype: "I8", shape: [4, 3, 2, 2] });
  const tensors = received(bytes);
  expect(Object.keys(tensors).sort()).toEqual(["bias", "n.num_batches_tracked", "weight"]);
  expect(tensors.bias).toEqual(bias);
  for (let filter = 0; filter < 4; filter++) {
    const values = (weight.data as Float32Array).subarray(filter * 12, filter * 12 + 12);
    const step = Math.max(...values.map(Math.abs)) / 127;
    for (const [i, value] of values.entries()) {
      const back = Number(tensors.weight!.data[filter * 12 + i]);
      expect(Math.abs(back - value)).toBeLessThanOrEqual(step * 0.501);
    }
  }
});

it("a file of F32 is taken as it is, and 8-bit values without scales are refused", () => {
  const plain = joined(encode({ weight }));
  expect(expandWeights(plain, "weights")).toBe(plain);
  const bare = joined(encode({ w: { dtype: "I8", shape: [2, 2], data: Int8Array.of(1, 2, 3, 4) } }));
  expect(() => expandWeights(bare, "weights")).toThrow(CheckpointError);
});
