/** Serves folders on this machine, with the headers that threads of WASM need. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";
import { UserError } from "../errors.ts";

/** Cross-origin isolation: https://web.dev/articles/coop-coep */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Number of ports that are tried, from the requested one on. */
const tries = 20;

export interface ServeOptions {
  /** First port to try; the next 19 follow where it is in use. 0, the default, is any free port. */
  port?: number;
  /** Whether to send the headers of cross-origin isolation, which threads need. Default true. */
  isolated?: boolean;
}

export interface Served {
  /** Ends with a slash. */
  url: string;
  /** The port that is used. */
  port: number;
  close(): Promise<void>;
}

/**
 * Serves files until it is closed, to this machine only (127.0.0.1).
 * @param folders folders that are searched for a file, in this order
 * @throws UserError where all ports are in use
 */
export async function serveFolders(
  folders: readonly string[],
  { port = 0, isolated = true }: ServeOptions = {},
): Promise<Served> {
  const handlers = folders.map((folder) =>
    // dev: reads files at each request, so a rebuilt page is served.
    sirv(folder, {
      dev: true,
      setHeaders: (response) => {
        if (isolated) for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value);
      },
    }),
  );
  const server = createServer((request, response) => {
    const from = (index: number): void => {
      const handler = handlers[index];
      if (handler) handler(request, response, () => from(index + 1));
      else response.writeHead(404).end(`There is no ${request.url} here.`);
    };
    from(0);
  });
  const chosen = await listen(server, port);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://localhost:${chosen}/`, port: chosen, close };
}

async function listen(server: Server, first: number): Promise<number> {
  for (let port = first; port < first + tries && port < 65536; port++) {
    const taken = await new Promise<boolean>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) =>
        error.code === "EADDRINUSE" || error.code === "EACCES" ? resolve(true) : reject(error);
      server.once("error", failed).listen(port, "127.0.0.1", () => {
        server.off("error", failed);
        resolve(false);
      });
    });
    if (!taken) return (server.address() as AddressInfo).port;
  }
  throw new UserError(`no port from ${first} to ${first + tries - 1} is free; choose another with --port`);
}
