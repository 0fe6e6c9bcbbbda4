/** Serves folders on this machine, with the headers that threads of WASM need. */
import { createServer } from "node:http";
import sirv from "sirv";
import { listen } from "./http.ts";

/** Cross-origin isolation: https://web.dev/articles/coop-coep */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

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
  const chosen = await listen(server, "127.0.0.1", port);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://localhost:${chosen}/`, port: chosen, close };
}
