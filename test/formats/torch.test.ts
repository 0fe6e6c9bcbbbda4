/** Files of torch.save against PyTorch (fixtures/make/torch_files.py): every dtype, views, both forms; and what is refused. */
import { existsSync, readFileSync } from "node:fs";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { decode } from "../../src/formats/safetensors.ts";
import { type Slices, slicesOf } from "../../src/formats/slices.ts";
import { float32Tensor, toFloat32 } from "../../src/formats/tensors.ts";
import { readTorch } from "../../src/formats/torch/file.ts";
import { moduleParts } from "../../src/formats/torch/names.ts";
import { TorchTensor } from "../../src/formats/torch/tensor.ts";
import { weightsIn } from "../../src/formats/weights-file.ts";
import { fixture } from "../paths.ts";

const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(`torch/${name}`)));
const read = (name: string) => readTorch(slicesOf(bytesOf(name)), name);

const text = (words: string) => new TextEncoder().encode(words);
const pickleOf = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...text(part)] : part)));

describe("torch.save", () => {
  const forms = ["tensors.pth", "tensors-legacy.pth"];

  it.each(forms)("%s: dtypes, views, shared storages", async (name) => {
    const value = (await read(name)) as Map<string, unknown>;
    const { tensors } = decode(bytesOf("values.safetensors"));
    const state = value.get("state_dict") as Map<string, TorchTensor>;
    expect([...state.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [key, tensor] of state) expect(await tensor.read(), key).toEqual(tensors[key]);
  });

  it.each(forms)("%s: containers, numbers, texts", async (name) => {
    const value = (await read(name)) as Map<string, unknown>;
    expect(value.get("epoch")).toBe(12);
    expect(value.get("best")).toBe(0.25);
    expect(value.get("names")).toEqual(["a", ["b", null]]);
    expect(value.get("big")).toBe(2n ** 70n);
    expect(value.get("size")).toEqual([4, 6]);
    expect(value.get("kinds")).toEqual(new Set([1, 2]));
    expect(value.get("flag")).toBe(true);
  });

  it("tensors of classes and with attributes, and modules that torch.nn.utils has changed", async () => {
    const { tensors } = await weightsIn(slicesOf(bytesOf("classes.pth")), "classes.pth");
    const valuesOf = async (name: string) => [...(await float32Tensor(tensors.get(name)!, name, "classes.pth")).data];
    expect(await valuesOf("buffer")).toEqual([1, 2]);
    expect(await valuesOf("marked")).toEqual([3, 4]);
    expect(await valuesOf("normed.weight_orig")).toEqual([5, 6]);
  });

  /**
   * A dict with one tensor of 2 values, as torch.serialization writes it (PyTorch 2.6): types without a typed storage lie in an untyped one
   * and have _rebuild_tensor_v3 with the dtype.
   */
  function withTensor(rebuild: 2 | 3, storage: string, size: number, dtype: string, values: Uint8Array): Uint8Array {
    const reference = `(S'storage'\nctorch${rebuild === 3 ? ".storage" : ""}\n${storage}\nS'0'\nS'cpu'\nI${size}\ntQ`;
    const arguments_ = `(${reference}I0\n(I2\nt(I1\ntI00\nN${rebuild === 3 ? `ctorch\n${dtype}\n` : ""}t`;
    const pickle = pickleOf([0x80, 2], `}S'a.weight'\nctorch._utils\n_rebuild_tensor_v${rebuild}\n${arguments_}Rs.`);
    return zipSync({ "x/data.pkl": pickle, "x/byteorder": text("little"), "x/data/0": values });
  }

  it("a tensor that is stored with the opposite sign is refused", async () => {
    // torch.save of torch._neg_view(t), PyTorch 2.15: the last argument is {"neg": True}.
    const reference = "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ";
    const rebuilt = `ctorch._utils\n_rebuild_tensor_v2\n(${reference}I0\n(I1\nt(I1\ntI00\nN(dS'neg'\nI01\nstR`;
    const pickle = pickleOf([0x80, 2], `${rebuilt}.`);
    const file = zipSync({ "x/data.pkl": pickle, "x/byteorder": text("little"), "x/data/0": new Uint8Array(4) });
    await expect(readTorch(slicesOf(file), "negated.pth")).rejects.toThrow(
      /opposite sign .* tensor\.resolve_neg\(\)\.$/,
    );
  });

  it("unsigned integers of 16, 32 and 64 bits are read", async () => {
    const values = {
      uint16: Uint16Array.of(1, 65535),
      uint32: Uint32Array.of(2, 4294967295),
      uint64: BigUint64Array.of(3n, 2n ** 64n - 1n),
    };
    for (const [dtype, data] of Object.entries(values)) {
      const bytes = withTensor(3, "UntypedStorage", data.byteLength, dtype, new Uint8Array(data.buffer));
      const { tensors } = await weightsIn(slicesOf(bytes), "x.pth");
      expect((await tensors.get("a.weight")!.read()).data, dtype).toEqual(data);
    }
  });

  it.each([
    ["float8_e4m3fn", withTensor(3, "UntypedStorage", 2, "float8_e4m3fn", new Uint8Array(2))],
    ["complex64", withTensor(2, "ComplexFloatStorage", 2, "", new Uint8Array(16))],
    ["complex128", withTensor(2, "ComplexDoubleStorage", 2, "", new Uint8Array(32))],
    ["U16", withTensor(3, "UntypedStorage", 4, "uint16", new Uint8Array(4))],
    ["BOOL", withTensor(2, "BoolStorage", 2, "", new Uint8Array(2))],
  ])("a weight of the type %s is refused by its name; the file is not damaged", async (dtype, bytes) => {
    const weight = (await weightsIn(slicesOf(bytes), "x.pth")).tensors.get("a.weight")!;
    await expect(float32Tensor(weight, "a.weight", "x.pth")).rejects.toThrow(
      `x.pth: a.weight is ${dtype} [2]; expected floats (F32, F16, BF16, F64). Convert it first`,
    );
  });

  it("a tensor's values are read by slices, not the file", async () => {
    for (const name of ["unet32_net_G.pth", "unet32-legacy.pth"]) {
      const bytes = bytesOf(name);
      let taken = 0;
      const file: Slices = {
        size: bytes.length,
        read: async (start, end) => {
          taken += Math.min(end, bytes.length) - start;
          return bytes.slice(start, end);
        },
      };
      const state = (await readTorch(file, name)) as Map<string, TorchTensor>;
      const before = taken;
      const tensor = state.get("model.model.0.weight")!;
      await tensor.read();
      const own = 4 * tensor.shape.reduce((a, b) => a * b);
      expect(taken - before, name).toBeLessThan(own + 200); // and the header of the entry
    }
  });

  it.each(["unet32-module.pth", "unet32-module-legacy.pth"])("%s: a whole module, its code not run", async (name) => {
    const parts = moduleParts(await read(name))!;
    expect(parts.class).toBe("models.networks.Named");
    expect(parts.modules.map(([inner]) => inner)).toEqual(["model"]);
  });

  it("16-bit floats have the values of PyTorch", async () => {
    const value = (await read("tensors.pth")) as Map<string, unknown>;
    const state = value.get("state_dict") as Map<string, TorchTensor>;
    // float16 and bfloat16 of 0, -0, 1.5, -2.25, 65504, 6e-8, 6.1e-5, inf, -inf, by PyTorch's .float().
    const halves = [0, -0, 1.5, -2.25, 65504, 2 ** -24, 1023 * 2 ** -24, Infinity, -Infinity];
    const bfloats = [0, -0, 1.5, -2.25, 65536, 6.00703e-8, 2 ** -14, Infinity, -Infinity];
    expect([...toFloat32(await state.get("half")!.read())!]).toEqual(halves);
    const got = [...toFloat32(await state.get("bfloat")!.read())!];
    for (const [i, expected] of bfloats.entries()) {
      if (Number.isFinite(expected)) expect(got[i]!).toBeCloseTo(expected, 9);
      else expect(got[i]).toBe(expected);
    }
  });
});

describe("what is refused", () => {
  const refusal = async (bytes: Uint8Array): Promise<string> => {
    const error = await readTorch(slicesOf(bytes), "x.pth").then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  };

  it.each(["malicious.pth", "malicious-legacy.pth"])(
    "%s: a function is refused by name and not called",
    async (name) => {
      expect(await refusal(bytesOf(name))).toMatch(/x\.pth is refused: it names (__builtin__|builtins)\.exec/);
      expect(existsSync("harm-was-done")).toBe(false);
    },
  );

  // A pickle of the older form that begins as such a file does, then runs the given opcodes.
  const head = pickleOf([0x80, 2, 0x8a, 10], [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19], ".");
  const version = pickleOf([0x80, 2, 0x4d, 0xe9, 0x03], ".");
  const system = pickleOf([0x80, 2], "}.");
  const run = (...parts: (string | number[])[]) =>
    new Uint8Array([...head, ...version, ...system, ...pickleOf([0x80, 2], ...parts)]);

  it.each([
    ["a call", run("cos\nsystem\n(X", [4, 0, 0, 0], "exittR."), "os.system"],
    ["a call by STACK_GLOBAL", run("X", [2, 0, 0, 0], "osX", [6, 0, 0, 0], "system\x93)R."), "os.system"],
    ["an object of a class", run("csubprocess\nPopen\n)\x81."), "subprocess.Popen"],
    ["an object with a state that is no module's", run("cbuiltins\ndict\n)\x81}b."), "builtins.dict"],
    ["INST", run("(ios\nsystem\n."), "os.system"],
    ["OBJ", run("(cos\nsystem\no."), "os.system"],
    ["a name that is only mentioned", run("cos\nsystem\n."), "os.system"],
    [
      "getattr, by which everything else is reached",
      run("cbuiltins\ngetattr\n(NX", [1, 0, 0, 0], "atR."),
      "builtins.getattr",
    ],
    ["a function of torch that loads code", run("ctorch.hub\nload\n)R."), "torch.hub.load"],
    ["functools.partial", run("cfunctools\npartial\n)R."), "functools.partial"],
    ["a name with control characters", run("cos\nsy\x1b[2Jstem\n)R."), "os.sy\\x1b[2Jstem"],
  ])("%s", async (_, bytes, name) => {
    // Latin 1 parts above 127 are written as single bytes.
    const fixed = bytes.filter((byte, i) => !(byte === 0xc2 && bytes[i + 1]! >= 0x80));
    expect(await refusal(fixed)).toContain(`it names ${name}`);
  });

  it("a truncated archive, with the likely cause", async () => {
    const bytes = bytesOf("unet32_net_G.pth");
    expect(await refusal(bytes.slice(0, bytes.length / 2))).toMatch(/truncated or damaged.*Download or copy it again/);
    const legacy = bytesOf("unet32-legacy.pth");
    expect(await refusal(legacy.slice(0, legacy.length - 10))).toMatch(/truncated: its values/);
    expect(await refusal(legacy.slice(0, 700))).toMatch(/truncated/);
  });

  it("a tensor that reaches beyond its storage", async () => {
    const bytes = bytesOf("tensors-legacy.pth");
    // The first shape, (4, 6) with strides (6, 1), becomes (4, 7).
    const at = bytes.findIndex((_, i) => [0x4b, 4, 0x4b, 6, 0x86].every((byte, k) => bytes[i + k] === byte));
    bytes[at + 3] = 9;
    expect(await refusal(bytes)).toMatch(/F32 \[4,9\] with strides \[6,1\] at 0 does not fit its storage of 24 values/);
  });

  it("another zip and another pickle", async () => {
    expect(await refusal(new Uint8Array(readFileSync(fixture("pairs.zip"))))).toMatch(
      /is a zip, but not of torch.save/,
    );
    expect(await refusal(pickleOf([0x80, 4], "N."))).toMatch(/is a Python pickle, but not of torch.save/);
  });

  it("a list that holds itself ends", async () => {
    const value = await readTorch(slicesOf(run("]q\0h\0a.", [0x80, 2], "].")), "x.pth");
    expect(Array.isArray(value) && value[0] === value).toBe(true);
  });
});

it("TorchTensor is a source of tensors", async () => {
  const value = (await read("unet32_net_G.pth")) as Map<string, unknown>;
  expect(value.get("model.model.0.weight")).toBeInstanceOf(TorchTensor);
});
