/** Serves folders on this machine, with the headers that give the page's WASM its threads. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";
import { UserError } from "../errors.ts";

/** Cross-origin isolation: https://web.dev/articles/coop-coep */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** How many ports are tried, counted from the one that was asked for. */
const tries = 20;

export interface ServeOptions {
  /** Where it is taken, the next free one of the twenty from it on. 0, the default: any free one. */
  port?: number;
  /** Sends the headers of cross-origin isolation, which threads need. Default true. */
  isolated?: boolean;
}

export interface Served {
  /** With a slash at its end. */
  url: string;
  /** The port that is used. */
  port: number;
  close(): Promise<void>;
}

/**
 * Serves files to this machine alone (127.0.0.1) until it is closed.
 * @param folders a file is looked for in the first, then in the next
 * @throws UserError where no port is free
 */
export async function serveFolders(
  folders: readonly string[],
  { port = 0, isolated = true }: ServeOptions = {},
): Promise<Served> {
  const handlers = folders.map((folder) =>
    // dev: files are read at each request, so that a page that was built anew is served.
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
