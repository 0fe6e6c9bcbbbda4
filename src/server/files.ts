/** Files of a run: samples, pages of tests, logs, weights. */
import type { Files } from "../platform.ts";
import type { Run } from "../run/run.ts";
import { brokenOff, Refusal } from "./problem.ts";

/** What is sent, by its ending. */
const types: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  jsonl: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
  npy: "application/octet-stream",
  onnx: "application/octet-stream",
  safetensors: "application/octet-stream",
};

/** Pages of a run hold their own scripts; they may reach nothing else here. */
const pagePolicy =
  "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " +
  "connect-src 'none'; form-action 'none'; frame-ancestors 'self'";

/**
 * A file in the folder of a run.
 * @param path relative to the run's folder, decoded
 * @throws Refusal 404 for what is not there, is of another kind, or lies outside
 */
export async function fileOf(files: Files, run: Run, path: string): Promise<Response> {
  const absent = new Refusal(404, `the run "${run.name}" has no file "${path.slice(0, 200)}"`);
  const parts = path.split("/");
  const plain = parts.every((part) => part !== "" && !part.startsWith(".") && !/[\\\0:]/.test(part));
  const type = types[/\.([a-z]+)$/.exec(path)?.[1] ?? ""];
  if (!plain || type === undefined || !(await files.exists(run.path(path)).catch(() => false))) throw absent;
  if (files.realPath) {
    const [folder, file] = await Promise.all([files.realPath(run.dir), files.realPath(run.path(path))]);
    if (!file.replaceAll("\\", "/").startsWith(`${folder.replaceAll("\\", "/")}/`)) throw absent;
  }
  const body = await contentOf(files, run.path(path), type).catch(() => {
    throw absent;
  });
  const headers: Record<string, string> = { "Content-Type": type, "Cache-Control": "no-cache" };
  if (/^(text\/html|image\/svg)/.test(type)) headers["Content-Security-Policy"] = pagePolicy;
  if (type === "application/octet-stream") {
    headers["Content-Disposition"] =
      `attachment; filename*=UTF-8''${encodeURIComponent(`${run.name}_${parts.at(-1)}`)}`;
  }
  if (typeof body.length === "number") headers["Content-Length"] = String(body.length);
  return new Response(body.content, { headers });
}

/** Bytes of a piece of a large file: a client that reads slowly holds one in memory, and not the file. */
const piece = 2 ** 20;

interface Content {
  content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  /** Of content that comes in pieces. */
  length?: number;
}

/** Weights and arrays come in pieces. Texts and pictures are smaller, and the log of a run that trains grows while it is sent. */
async function contentOf(files: Files, path: string, type: string): Promise<Content> {
  const { stat, readPart } = files;
  const found = type === "application/octet-stream" && readPart ? await stat?.(path) : undefined;
  if (!found || found.bytes <= piece) return { content: (await files.read(path)) as Uint8Array<ArrayBuffer> };
  let at = 0;
  const content = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const part = await readPart!(path, at, at + piece);
      const now = await stat!(path);
      // Weights are replaced while a run trains: the pieces of two files must not become one.
      if (now.bytes !== found.bytes || now.modified !== found.modified) {
        throw brokenOff(`${path} was written anew while it was sent`);
      }
      at += part.length;
      controller.enqueue(part);
      if (at >= found.bytes) controller.close();
    },
  });
  return { content, length: found.bytes };
}
