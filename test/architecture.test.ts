/** Who may import whom: the arrows of docs/overview.md, read from the import statements. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../src", import.meta.url));
const sources = readdirSync(root, { recursive: true })
  .map((path) => String(path).replaceAll("\\", "/"))
  .filter((path) => /\.tsx?$/.test(path))
  .sort();

interface Import {
  /** What the statement names: a package, or a file below src/. */
  to: string;
  typeOnly: boolean;
}

/** The import and re-export statements of a file, import() included. */
function importsOf(path: string): Import[] {
  const text = readFileSync(join(root, path), "utf8");
  const statement = /^(?:import|export)\s(type\s)?(?:[^"'`;]*?\sfrom\s*)?"([^"]+)";/gm;
  const dynamic = /\bimport\("([^"]+)"\)/g;
  const found = [
    ...[...text.matchAll(statement)].map(([, type, to]) => ({ to: to!, typeOnly: Boolean(type) })),
    ...[...text.matchAll(dynamic)].map(([, to]) => ({ to: to!, typeOnly: false })),
  ];
  return found.map(({ to, typeOnly }) => ({ to: to.startsWith(".") ? join(dirname(path), to) : to, typeOnly }));
}

const graph = new Map(sources.map((path) => [path, importsOf(path)]));

/** From the ground up: a file may import from its own layer and from those before it. */
const layers: readonly (readonly string[])[] = [
  ["errors.ts", "platform.ts", "statistics.ts", "text.ts", "turns.ts", "version.ts"],
  ["kernels", "formats"],
  ["random.ts"],
  ["data"],
  ["metrics", "demo", "tools", "report"],
  ["graph"],
  ["onnx"],
  ["lowering"],
  ["nn"],
  ["networks"],
  ["model"],
  ["engines"],
  ["features"],
  ["config"],
  ["run"],
  ["inference"],
  ["exchange"],
  ["training"],
  ["conformance"],
  ["server"],
  ["index.ts"],
  ["node", "web"],
  ["app"],
  ["cli"],
];
const layerOf = (path: string) => layers.findIndex((places) => places.includes(path.split("/")[0]!));

/** Folders that know nothing of networks, and those that are about networks alone. */
const pictures = ["data", "metrics", "demo", "tools", "report", "formats", "node"];
const computing = ["graph", "onnx", "lowering", "nn", "networks", "model", "engines"];

describe("imports", () => {
  it("every file has a place in the layers", () => {
    expect(sources.filter((path) => layerOf(path) < 0)).toEqual([]);
    expect(sources.length).toBeGreaterThan(40);
    // A line that breaks, one of types and a dynamic one are all read.
    expect(graph.get("graph/gradient.ts")).toContainEqual({ to: "graph/graph.ts", typeOnly: false });
    expect(graph.get("engines/device.ts")).toContainEqual({ to: "onnxruntime-common", typeOnly: true });
    expect(graph.get("cli/training.ts")).toContainEqual({ to: "training/train.ts", typeOnly: false });
  });

  it("go down, never up", () => {
    const upward = [...graph].flatMap(([path, imports]) =>
      imports.filter(({ to }) => graph.has(to) && layerOf(to) > layerOf(path)).map(({ to }) => `${path} -> ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it("lead to files that exist", () => {
    const missing = [...graph].flatMap(([path, imports]) =>
      imports.filter(({ to }) => /\.tsx?$/.test(to) && !graph.has(to)).map(({ to }) => `${path} -> ${to}`),
    );
    expect(missing).toEqual([]);
  });

  it("what is about pictures knows nothing of networks", () => {
    // The probe of a device runs a small graph.
    const places = (path: string, list: string[]) => path !== "node/probe.ts" && list.includes(path.split("/")[0]!);
    const crossing = [...graph].flatMap(([path, imports]) =>
      imports.filter(({ to }) => places(path, pictures) && places(to, computing)).map(({ to }) => `${path} -> ${to}`),
    );
    expect(crossing).toEqual([]);
  });

  it("the core takes nothing of Node, sharp or a runtime; only types of onnxruntime-common", () => {
    const outside = [...graph]
      .filter(([path]) => !/^(node|web|app|cli)\//.test(path))
      .flatMap(([path, imports]) => imports.filter(({ to }) => !graph.has(to)).map((each) => ({ path, ...each })));
    const allowed = ({ path, to, typeOnly }: Import & { path: string }) =>
      ["zod", "unzipit", "modern-tar", "fflate"].includes(to) ||
      (to.startsWith("hono") && path.startsWith("server/")) ||
      to.startsWith("@bufbuild/protobuf") ||
      (to === "onnxruntime-common" && typeOnly);
    expect(outside.filter((each) => !allowed(each))).toEqual([]);
    expect(outside.length).toBeGreaterThan(2);
    const text = sources
      .filter((path) => !/^(node|web|app|cli)\//.test(path))
      .filter((path) => /\b(process|Buffer|__dirname|require)\b[.(]/.test(readFileSync(join(root, path), "utf8")));
    expect(text, "Node's globals").toEqual([]);
  });

  it("only the adapters know a runtime", () => {
    const users = [...graph]
      .filter(([, imports]) => imports.some(({ to }) => /^(onnxruntime-(node|web)|sharp)/.test(to)))
      .map(([path]) => path);
    expect(users).toEqual(["node/images.ts", "node/jpeg.ts", "node/ort.ts", "web/ort.ts"]);
  });

  it("form no cycles, imports of types included", () => {
    const cycles = new Set<string>();
    const visit = (path: string, trail: string[]) => {
      const at = trail.indexOf(path);
      if (at >= 0) return void cycles.add([...trail.slice(at)].sort().join(" "));
      if (done.has(path)) return;
      for (const { to } of graph.get(path) ?? []) visit(to, [...trail, path]);
      done.add(path);
    };
    const done = new Set<string>();
    for (const path of sources) visit(path, []);
    expect([...cycles]).toEqual([]);
  });
});

it("graphs, their lowering and their bytes are typed: no cast through unknown", () => {
  const typed = sources.filter((path) => /^(graph|lowering|onnx|engines|nn|conformance)\//.test(path));
  expect(typed.length).toBeGreaterThan(30);
  expect(typed.filter((path) => readFileSync(join(root, path), "utf8").includes("as unknown as"))).toEqual([]);
});

it("no file has more than 500 lines", () => {
  const long = sources.filter((path) => readFileSync(join(root, path), "utf8").split("\n").length > 501);
  expect(long).toEqual([]);
});
