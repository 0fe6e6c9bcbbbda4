/** Opens the server of a folder of runs: for `serve`, and for `train --serve`. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withHome } from "../exchange/page-home.ts";
import { readText } from "../formats/read-text.ts";
import { files } from "../node/files.ts";
import type { Listening } from "../node/http.ts";
import type { Limits } from "../server/limits.ts";
import { version } from "../version.ts";
import { appFolder } from "./app-files.ts";
import type { Output } from "./command.ts";
import { loadPlatform, threadsNote } from "./platform.ts";

export interface Opening {
  checkpointsDir: string;
  host: string;
  port: number;
  token?: string | undefined;
  /** Runs cannot be started, continued, stopped or deleted. */
  readOnly: boolean;
  /** Folders whose data sets may be trained on, beside those of the runs. */
  dataDirs?: readonly string[];
  threads?: number | undefined;
  limits?: Partial<Limits>;
}

/** Starts the server of a folder of runs. */
export async function openServer(options: Opening, output: Output): Promise<Listening> {
  const { checkpointsDir, host, port, token, readOnly, dataDirs, threads, limits = {} } = options;
  for (const note of threadsNote(threads)) output.note(`note: ${note}`);
  const [{ createServer }, { listenHttp }, { Trainings }, { pageFiles }] = await Promise.all([
    import("../server/app.ts"),
    import("../node/http.ts"),
    import("../node/trainings.ts"),
    import("../node/page-files.ts"),
  ]);
  const platform = await loadPlatform({ threads });
  const program = [process.execPath, fileURLToPath(new URL("../../bin/pix2pix.js", import.meta.url))];
  const control = readOnly ? undefined : new Trainings(program, (line) => output.note(line));
  const server = createServer({
    platform,
    checkpointsDir,
    version,
    limits,
    threads,
    control,
    dataDirs,
    token,
    hosts: [host],
    page: pageFiles(
      [appFolder].filter((folder) => existsSync(folder)),
      ofServer,
    ),
    fault: (error, request) => {
      output.note(`fault at ${request.method} ${request.url}:`);
      for (const line of String((error as Error).stack ?? error).split("\n")) output.note(line);
    },
  });
  const listening = await listenHttp((request) => server.fetch(request), { host, port });
  const forget = await announce(checkpointsDir, listening.url);
  return {
    url: listening.url,
    port: listening.port,
    close: async () => {
      const drained = listening.close();
      await server.close();
      await drained;
      await forget();
    },
  };
}

/** File in the folder of the runs with the address of its server, which `train` reads and prints. */
const addressFile = ".server.json";
/** Milliseconds within which a server on this machine must answer. */
const answerTimeout = 2000;

/** Writes the file. @returns a function that removes it, unless another server has written it anew */
async function announce(checkpointsDir: string, url: string): Promise<() => Promise<void>> {
  const path = `${checkpointsDir}/${addressFile}`;
  const text = `${JSON.stringify({ url, pid: process.pid })}\n`;
  // A folder that cannot be written can still be shown.
  await files.write(path, text).catch(() => {});
  return async () => {
    const now = await files.read(path).catch(() => undefined);
    if (now && new TextDecoder().decode(now) === text) await files.remove(path).catch(() => {});
  };
}

/** The address of a server of these runs on this machine; undefined where none answers. */
export async function serverOf(checkpointsDir: string): Promise<string | undefined> {
  try {
    const { url } = JSON.parse(await readText(files, `${checkpointsDir}/${addressFile}`)) as {
      url: string;
    };
    const { hostname } = new URL(url);
    if (hostname !== "localhost") return undefined;
    const response = await fetch(`${url}healthz`, { signal: AbortSignal.timeout(answerTimeout) });
    return response.ok ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Marks index.html as delivered by this server. */
export const ofServer = (name: string, bytes: Uint8Array): Uint8Array =>
  name === "/index.html" ? withHome(bytes, "server") : bytes;
