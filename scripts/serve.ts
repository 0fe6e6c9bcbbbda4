/** Serves a folder on this machine, with the headers that give the page's WASM its threads. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
  ".map": "application/json",
};

/** https://web.dev/articles/coop-coep */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface ServeOptions {
  /** 0 takes any free one. */
  port?: number;
  /** Cross-origin isolation, which threads need. Default true. */
  isolated?: boolean;
}

export async function serveFolder(
  folder: string,
  { port = 0, isolated = true }: ServeOptions = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = join(folder, normalize(path.endsWith("/") ? `${path}index.html` : path));
    const found = await stat(file).catch(() => undefined);
    if (!file.startsWith(folder) || !found?.isFile()) {
      response.writeHead(404).end(`There is no ${path} here.`);
      return;
    }
    const type = types[extname(file)] ?? "application/octet-stream";
    const headers = { "Content-Type": type, "Content-Length": found.size, "Cache-Control": "no-cache" };
    response.writeHead(200, { ...headers, ...(isolated ? isolation : {}) });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const { port: chosen } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://localhost:${chosen}/`, close };
}
