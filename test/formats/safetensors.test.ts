import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { decode, encode, type StoredTensor } from "../../src/formats/safetensors.ts";
import { fixture, reference } from "../paths.ts";

const joined = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const f32 = (shape: number[], values: number[]): StoredTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

/** A file with this header (an object, or its text) and `bytes` zeros of data. */
function file(header: unknown, bytes = 0, claimed?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.length));
  return joined([length, text, Buffer.alloc(bytes)]);
}

describe("decode", () => {
  it("reads what numpy wrote", () => {
    const { tensors, metadata } = decode(readFileSync(fixture("tensors.safetensors")));
    expect(metadata).toEqual({ "made by": "numpy" });
    expect(Object.keys(tensors)).toEqual([
      "model.1.weight",
      "model.2.num_batches_tracked",
      "model.0.bias",
      "empty",
      "half",
      "bytes é",
      "wide",
    ]);
    const weight = tensors["model.1.weight"]!;
    expect(weight.shape).toEqual([2, 3, 2, 2]);
    expect(weight.data).toEqual(Float32Array.from({ length: 24 }, (_, i) => Math.fround(i / 7) - 1));
    expect(tensors["model.2.num_batches_tracked"]).toEqual({
      dtype: "I64",
      shape: [],
      data: BigInt64Array.of(9007199254740993n),
    });
    expect(tensors["model.0.bias"]!.data).toEqual(Float32Array.of(0.1, -0.2, 1e-38, 3.4e38));
    expect(tensors.empty).toEqual({ dtype: "F32", shape: [0, 4], data: new Float32Array(0) });
    expect(tensors.half).toEqual({ dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xb800) });
    expect(tensors["bytes é"]).toEqual({ dtype: "U8", shape: [1, 3], data: Uint8Array.of(1, 2, 255) });
    expect(tensors.wide).toEqual({ dtype: "F64", shape: [1], data: Float64Array.of(Math.PI) });
  });

  it("gives views of aligned values, and the same values at any address", () => {
    const bytes = joined(
      encode({ b: f32([3], [1, 2, 3]), a: { dtype: "I64", shape: [], data: BigInt64Array.of(-4n) } }),
    );
    expect(decode(bytes).tensors.b!.data.buffer).toBe(bytes.buffer);
    for (let shift = 1; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(decode(moved.subarray(shift))).toEqual(decode(bytes));
    }
  });
});

describe.skipIf(!existsSync(reference))("PyTorch's checkpoints in ../shared/reference", () => {
  it.each([
    ["unet64-batch-vanilla/init_net_G", 58, "model.model.0.weight", [8, 3, 4, 4]],
    ["unet64-batch-vanilla/final_net_D", 22, "model.0.weight", [8, 6, 4, 4]],
    ["article256/init_net_D", 10, "model.0.weight", [4, 6, 4, 4]],
  ])("%s: every tensor, N(0, .02) weights, and the same again after encode", (name, total, first, shape) => {
    const { tensors } = decode(readFileSync(join(reference, `${name}.safetensors`)));
    expect(Object.keys(tensors)).toHaveLength(total);
    const { data } = tensors[first]!;
    expect(tensors[first]!.shape).toEqual(shape);
    const values = Array.from(data as Float32Array);
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(deviation).toBeGreaterThan(0.017);
    expect(deviation).toBeLessThan(0.023);
    expect(decode(joined(encode(tensors))).tensors).toEqual(tensors);
  });
});

describe("encode", () => {
  it("pads the header so that values start at a multiple of 8, and copies none", () => {
    const tensor = f32([2, 2], [1, 2, 3, 4]);
    const [header, values] = encode({ weight: tensor }, { step: "12" });
    expect(values!.buffer).toBe(tensor.data.buffer);
    expect(header!.length % 8).toBe(0);
    expect(new TextDecoder().decode(header!.subarray(8)).trimEnd()).toBe(
      '{"__metadata__":{"step":"12"},"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}',
    );
  });

  it("writes equal tensors as equal bytes whatever their order, widest dtype first", () => {
    const one = f32([1], [1]);
    const count: StoredTensor = { dtype: "I64", shape: [], data: BigInt64Array.of(7n) };
    const bytes = joined(encode({ b: one, a: one, n: count }, { y: "2", x: "1" }));
    expect(joined(encode({ n: count, a: one, b: one }, { x: "1", y: "2" }))).toEqual(bytes);
    expect(Object.keys(decode(bytes).tensors)).toEqual(["n", "a", "b"]);
  });

  it("gives back any tensors and metadata", () => {
    const tensor = fc.oneof(
      fc.float32Array().map((data): StoredTensor => ({ dtype: "F32", shape: [data.length], data })),
      fc
        .float32Array({ minLength: 12, maxLength: 12 })
        .map((data): StoredTensor => ({ dtype: "F32", shape: [3, 1, 4], data })),
      fc.bigInt64Array().map((data): StoredTensor => ({ dtype: "I64", shape: [1, data.length], data })),
      fc.uint8Array().map((data): StoredTensor => ({ dtype: "U8", shape: [data.length], data })),
      fc.int32Array().map((data): StoredTensor => ({ dtype: "I32", shape: [data.length], data })),
    );
    const word = fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__");
    const plain = word.filter((name) => name !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(word, tensor), fc.dictionary(plain, plain), (tensors, metadata) => {
        const back = decode(joined(encode(tensors, metadata)));
        expect(new Map(Object.entries(back.tensors))).toEqual(new Map(Object.entries(tensors)));
        expect(back.metadata).toEqual({ ...metadata });
      }),
    );
  });

  it("refuses values that do not fill the shape, the wrong array, and the reserved name", () => {
    expect(() => encode({ w: f32([2, 3], [1, 2]) })).toThrow("w is F32 [2,3], 6 values in Float32Array; got 2 values");
    const wrong = { dtype: "I64", shape: [1], data: Float32Array.of(1) } as unknown as StoredTensor;
    expect(() => encode({ w: wrong })).toThrow("1 values in BigInt64Array; got 1 values in Float32Array");
    expect(() => encode({ __metadata__: f32([1], [1]) })).toThrow(CheckpointError);
  });
});

describe("a file that cannot be used", () => {
  const w = (entry: object) => ({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...entry } });
  const two = (start: number) => ({ ...w({}), v: { dtype: "F32", shape: [2], data_offsets: [start, start + 8] } });
  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "it is empty"],
    ["short", latin1("abc"), "3 bytes, a header needs at least 8"],
    ["zeros", new Uint8Array(100), "begins with zeros"],
    ["web page", latin1("<!DOCTYPE html><html><body>404"), "looks like a web page"],
    [".pth", latin1("PK\x03\x04\x00\x00\x08\x08archive/data.pkl"), "looks like a zip, such as a PyTorch .pth"],
    ["old .pth", latin1("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "looks like a Python pickle"],
    ["LFS pointer", latin1("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"), "Git LFS pointer"],
    ["HDF5", latin1("\x89HDF\r\n\x1a\n\x00\x00\x00\x00"), "looks like HDF5"],
    ["gzip", latin1("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), "looks like gzip"],
    ["PNG", latin1("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "looks like a picture"],
    ["JSON", latin1('{"name": "facades"}'), "looks like JSON"],
    ["noise", latin1("\x01\x02\x03\x04\x05\x06\x07\x08\x09"), "its first 8 bytes give a header of"],
    ["header not JSON", file("{'w': 1}"), "its header is not JSON"],
    ["header a list", file("[1]"), "its header is not JSON"],
    ["header cut", file(w({})).subarray(0, 30), "truncated: the header should be"],
    ["header absurd", file(w({}), 8, 2n ** 60n), "its first 8 bytes give a header of 1152921504606847000 bytes"],
    ["data cut", file(w({}), 7), "truncated: w ends at byte 8 of the data, and the file holds 7"],
    ["data over", file(w({}), 9), "1 bytes follow the last tensor"],
    ["offsets overlap", file(two(4), 12), "v overlaps the tensor before it (starts at byte 4, expected 8)"],
    ["offsets leave a hole", file(two(12), 20), "v leaves a hole before it"],
    ["offsets backwards", file(w({ data_offsets: [8, 0] }), 8), "needs 8 bytes, its offsets 8 to 0 give -8"],
    ["offsets of another size", file(w({ shape: [3] }), 8), "w F32 [3] needs 12 bytes, its offsets 0 to 8 give 8"],
    ["offsets not numbers", file(w({ data_offsets: ["0", "8"] }), 8), "damaged header: w is"],
    ["negative size", file(w({ shape: [-2] }), 8), "damaged header: w is"],
    ["entry not an object", file({ w: 3 }, 8), "damaged header: w is 3"],
    ["dtype", file(w({ dtype: "F8_E4M3" }), 8), 'w has dtype "F8_E4M3"; known: U64'],
    ["dtype of Object's", file(w({ dtype: "constructor" }), 8), 'w has dtype "constructor"'],
  ])("%s", (_, bytes, message) => {
    const read = () => decode(bytes, "net_G.safetensors");
    expect(read).toThrow(CheckpointError);
    expect(read).toThrow("net_G.safetensors: ");
    expect(read).toThrow(message);
  });
});
