/** A server on a socket, and a small trained run. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config/schema.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { listenHttp } from "../../src/node/http.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { createServer, type ServerOptions } from "../../src/server/app.ts";
import { train } from "../../src/training/train.ts";
import { given, smallRun } from "../options.ts";

export const platform = await nodePlatform({ threads: 1 });

export const small = given({ ...smallRun, threads: 1, saveEpochFreq: 1 });

/** A folder with data and the runs that are named, of 7 steps each. */
export async function folder(names: readonly string[], options: object = {}) {
  const work = mkdtempSync(join(tmpdir(), "pix2pix-server-"));
  const [dataroot, checkpointsDir] = [join(work, "data"), join(work, "runs")];
  await writeDemo({ files, images }, dataroot, { train: 5, test: 2, size: 64, seed: 1 });
  for (const name of names) {
    await train(parseConfig({ dataroot, checkpointsDir, name, ...small, maxSteps: 7, ...options }), platform);
  }
  return { work, dataroot, checkpointsDir, remove: () => rmSync(work, { recursive: true, force: true }) };
}

/** A server on a free port. */
export async function listen(checkpointsDir: string, options: Partial<ServerOptions> = {}) {
  const server = createServer({ platform, checkpointsDir, version: "1.2.3", ...options });
  const listening = await listenHttp((request) => server.fetch(request), { host: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${listening.port}`;
  return {
    base,
    port: listening.port,
    server,
    close: async () => {
      const drained = listening.close();
      await server.close();
      await drained;
    },
  };
}

export const picture = (dataroot: string, name = "facade_0001.png") => readFileSync(join(dataroot, "testA", name));
