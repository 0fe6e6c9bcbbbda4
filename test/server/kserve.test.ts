/** The open inference protocol with JSON and binary tensors, beside the library; tritonclient itself where it is installed. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTranslator } from "../../src/inference/open.ts";
import { faults, type Schema } from "./fits.ts";
import { folder, listen, platform } from "./site.ts";

let site: Awaited<ReturnType<typeof folder>>;
let server: Awaited<ReturnType<typeof listen>>;
let expected: Float32Array;
const shape = [2, 3, 64, 64] as const;
const A = Float32Array.from({ length: 2 * 3 * 64 * 64 }, (_, i) => Math.sin(i / 50));
beforeAll(async () => {
  site = await folder(["first"], { norm: "instance" });
  server = await listen(site.checkpointsDir);
  const translator = await openTranslator({ name: "first", checkpointsDir: site.checkpointsDir }, platform);
  expected = await translator.run(A, 2, 64, 64, { seed: 7 });
  await translator.close();
}, 120_000);
afterAll(async () => {
  await server.close();
  site.remove();
});

const post = (body: BodyInit, headers: Record<string, string> = {}, path = "infer") =>
  fetch(`${server.base}/v2/models/first/${path}`, { method: "POST", body, headers });
const input = { name: "real_A", datatype: "FP32", shape };
const parameters = { seed: 7 };

function close(got: Float32Array): void {
  expect(got.length).toBe(expected.length);
  const distance = got.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(distance).toBeLessThan(1e-5);
}

it("tells what it has", async () => {
  const json = async (path: string) => (await fetch(`${server.base}${path}`)).json();
  expect(await json("/v2")).toMatchObject({
    name: "pix2pix",
    extensions: expect.arrayContaining(["binary_tensor_data"]),
  });
  expect(await json("/v2/models/first")).toMatchObject({
    versions: expect.arrayContaining(["latest", "1"]),
    inputs: [{ name: "real_A", datatype: "FP32", shape: [-1, 3, -1, -1] }],
  });
  for (const path of ["health/live", "health/ready", "models/first/ready"]) {
    expect((await fetch(`${server.base}/v2/${path}`)).status).toBe(200);
  }
  for (const path of ["", "/ready", "/config"]) {
    expect((await fetch(`${server.base}/v2/models/first/versions/1${path}`)).status).toBe(200);
    expect((await fetch(`${server.base}/v2/models/first/versions/99${path}`)).status).toBe(404);
  }
});

it("infers on JSON", async () => {
  const response = await post(JSON.stringify({ id: "x", parameters, inputs: [{ ...input, data: [...A] }] }));
  const { id, model_version, outputs } = (await response.json()) as {
    id: string;
    model_version: string;
    outputs: { name: string; shape: number[]; data: number[] }[];
  };
  expect({ id, model_version, name: outputs[0]!.name, shape: outputs[0]!.shape }).toEqual({
    id: "x",
    model_version: "latest",
    name: "fake_B",
    shape: [2, 3, 64, 64],
  });
  close(Float32Array.from(outputs[0]!.data));
});

it("infers on binary data, in and out", async () => {
  const head = new TextEncoder().encode(
    JSON.stringify({
      parameters: { ...parameters, binary_data_output: true },
      inputs: [{ ...input, parameters: { binary_data_size: A.byteLength } }],
    }),
  );
  const length = "Inference-Header-Content-Length";
  const response = await post(new Blob([head, A]), { [length]: String(head.length) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const at = Number(response.headers.get(length));
  const { outputs } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at)));
  expect(outputs[0]).toEqual({
    name: "fake_B",
    datatype: "FP32",
    shape: [2, 3, 64, 64],
    parameters: { binary_data_size: bytes.length - at },
  });
  close(new Float32Array(bytes.slice(at).buffer));
});

it("refuses what does not fit, with what it expects", async () => {
  const data = [...A.subarray(0, 3 * 64)];
  const small = (values: unknown) => ({ ...input, shape: [1, 3, 8, 8], data: values });
  const cases: [number, RegExp, object][] = [
    [422, /expected one, real_A/, { inputs: [] }],
    [422, /expected one, real_A/, { inputs: [{ ...input, name: "x", data }] }],
    [422, /datatype is INT8/, { inputs: [{ ...input, datatype: "INT8", data }] }],
    [422, /has 192 values, expected 24576 numbers/, { inputs: [{ ...input, data }] }],
    [
      422,
      /has null, expected 192 numbers/,
      { inputs: [{ ...input, shape: [1, 3, 8, 8], data: data.map((x, i) => (i ? x : null)) }] },
    ],
    [
      422,
      /its shape is \[1,4,8,6\], expected \[n, 3, height, width\]/,
      { inputs: [{ ...input, shape: [1, 4, 8, 6], data }] },
    ],
    [422, /four whole numbers/, { inputs: [{ ...input, shape: [1, -3], data }] }],
    [
      422,
      /"other", expected fake_B/,
      { inputs: [{ ...input, shape: [1, 3, 8, 8], data }], outputs: [{ name: "other" }] },
    ],
    [422, /not finite/, { inputs: [{ ...input, shape: [1, 3, 8, 8], data: data.map((x, i) => (i ? x : 1e39)) }] }],
    [413, /at most 64/, { inputs: [{ ...input, shape: [192, 3, 1, 1], data: data.concat(data, data) }] }],
  ];
  for (const [status, message, body] of cases) {
    const response = await post(JSON.stringify(body));
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      status,
      expect.stringMatching(message),
    ]);
  }
  // Values without a text, and values that are nested deeper than a stack.
  const object = { toString: 1 };
  const deep = (text: string) => text.replace('"deep"', "[".repeat(200_000) + "]".repeat(200_000));
  for (const [message, body] of [
    [/datatype is \{"toString":1\}/, JSON.stringify({ inputs: [{ ...input, datatype: object, data }] })],
    [/got 1 \(\{"toString":1\}\), expected one/, JSON.stringify({ inputs: [{ ...input, name: object }] })],
    [/"\{"toString":1\}", expected fake_B/, JSON.stringify({ inputs: [small(data)], outputs: [{ name: object }] })],
    [
      /binary data of \{"toString":1\} bytes/,
      JSON.stringify({ inputs: [{ ...input, parameters: { binary_data_size: object } }] }),
    ],
    [/seed: got "\{"toString":1\}"/, JSON.stringify({ inputs: [small(data)], parameters: { seed: object } })],
    [
      /its shape is (a value that is nested too deeply|\[{100}), expected/,
      deep(JSON.stringify({ inputs: [{ ...input, shape: "deep", data }] })),
    ],
    [
      /its data has a value that is nested too deeply|its data has 1 values/,
      deep(JSON.stringify({ inputs: [small("deep")] })),
    ],
  ] as const) {
    const response = await post(body);
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      422,
      expect.stringMatching(message),
    ]);
  }
  expect((await post("[")).status).toBe(422);
  expect((await post("{}", { "Inference-Header-Content-Length": "99" })).status).toBe(422);
});

const python = process.env.PIX2PIX_TRITON ?? "python3";
const triton = spawnSync(python, ["-c", "import tritonclient.http"]).status === 0;
it.skipIf(!triton)(
  `tritonclient infers the same${triton ? "" : " (skipped: no tritonclient[http] for python3 or PIX2PIX_TRITON)"}`,
  async () => {
    const { spawn } = await import("node:child_process");
    const script = `
import sys, numpy, tritonclient.http as triton
client = triton.InferenceServerClient("127.0.0.1:${server.port}")
assert client.is_server_ready() and client.is_model_ready("first")
x = numpy.sin(numpy.arange(2 * 3 * 64 * 64) / 50).astype(numpy.float32).reshape(2, 3, 64, 64)
real = triton.InferInput("real_A", x.shape, "FP32")
real.set_data_from_numpy(x)
sys.stdout.buffer.write(client.infer("first", [real], parameters={"seed": 7}).as_numpy("fake_B").tobytes())
`;
    const child = spawn(python, ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    close(new Float32Array(new Uint8Array(Buffer.concat(parts)).buffer));
  },
);

it("the OpenAPI document names paths that are there, and what they need", async () => {
  interface Operation {
    parameters: { name: string; in: string }[];
    responses: Record<string, unknown>;
  }
  const { openapi, paths } = (await (await fetch(`${server.base}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
  };
  expect(openapi).toBe("3.1.0");
  // The routes of the protocol, https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
  const models = ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"];
  const protocol = models.flatMap((model) => [model, `${model}/ready`, `${model}/infer`]);
  const others = ["/api", "/openapi.json", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/repository/index"];
  expect(Object.keys(paths)).toEqual(expect.arrayContaining([...protocol, ...others]));
  const binary = { inputs: [{ ...input, data: [...A] }], parameters: { binary_data_output: true } };
  const tensors = await post(JSON.stringify(binary));
  const type = tensors.headers.get("content-type")!;
  await tensors.arrayBuffer();
  expect(paths["/v2/models/{name}/infer"]!.post!.responses).toMatchObject({ 200: { content: { [type]: {} } } });
  const long = await fetch(`${server.base}/api/runs`, { method: "POST", body: "x".repeat(70_000) });
  expect(Object.keys(paths["/api/runs"]!.post!.responses)).toContain(String(long.status));
  const many = await fetch(`${server.base}/api/events?${"run=first&".repeat(21)}`);
  expect(Object.keys(paths["/api/events"]!.get!.responses)).toContain(String(many.status));
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters, responses }] of Object.entries(operations)) {
      const named = parameters.filter((each) => each.in === "path").map(({ name }) => name);
      expect(named, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      if (method === "delete" || path.endsWith("events")) continue;
      const address = path.replace("{name}", "first").replace("{version}", "latest").replace("{path}", "config.json");
      const { status } = await fetch(`${server.base}${address}`, { method: method.toUpperCase() });
      expect(Object.keys(responses), `${method} ${path} answers ${status}`).toContain(String(status));
      expect(status, path).not.toBe(404);
    }
  }
});

it("every JSON answer fits its schema in the OpenAPI document, which lists each property", async () => {
  interface Content {
    content?: Record<string, { schema: Schema } | undefined>;
  }
  type Operation = { responses: Record<string, Content>; requestBody?: Content };
  const { paths, components } = (await (await fetch(`${server.base}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  const own = (content: Content | undefined) => content!.content!["application/json"]!.schema;
  const wrong = (value: unknown, schema: Schema) => faults(value, schema, components.schemas);
  const addresses = Object.keys(paths).filter((path) => !/events|file|onnx|pair|openapi|translate/.test(path));
  let compared = 0;
  for (const path of addresses) {
    const address = path.replace("{name}", "first").replace("{version}", "latest");
    for (const method of ["get", "post"].filter((each) => paths[path]![each])) {
      const response = await fetch(`${server.base}${address}`, { method });
      const json = response.headers.get("content-type")?.startsWith("application/json");
      if (!json) continue;
      const schema = own(paths[path]![method]!.responses[response.status]);
      expect(wrong(await response.json(), schema), `${method} ${path} ${response.status}`).toEqual([]);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(12);
  const request = { id: "x", parameters, inputs: [{ ...input, data: [...A] }], outputs: [{ name: "fake_B" }] };
  const { post: operation } = paths["/v2/models/{name}/infer"] as { post: Operation };
  expect(wrong(request, own(operation.requestBody))).toEqual([]);
  expect(wrong(await (await post(JSON.stringify(request))).json(), own(operation.responses[200]))).toEqual([]);
});
