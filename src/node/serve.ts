/** Serves folders on this machine, with the headers that threads of WASM need. */
import { type Listening, listenHttp } from "./http.ts";
import { pageFiles } from "./page-files.ts";

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

/**
 * Serves files until it is closed, to this machine only (127.0.0.1).
 * @param folders folders that are searched for a file, in this order
 * @throws UserError where all ports are in use
 */
export async function serveFolders(
  folders: readonly string[],
  { port = 0, isolated = true }: ServeOptions = {},
): Promise<Listening> {
  const page = pageFiles(folders);
  const answer = async (request: Request) => {
    const response = (await page(request)) ?? new Response(`There is no ${request.url} here.`, { status: 404 });
    if (isolated) for (const [name, value] of Object.entries(isolation)) response.headers.set(name, value);
    return response;
  };
  return listenHttp(answer, { host: "127.0.0.1", port });
}
