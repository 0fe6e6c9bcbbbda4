/** pix2pix web */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { option, parseOptions } from "../../config/options.ts";
import { UserError } from "../../errors.ts";
import { files } from "../../node/files.ts";
import { appFolder, readApp } from "../app-files.ts";
import type { Command } from "../command.ts";
import { portOfEnvironment } from "../environment.ts";
import { listenForStop } from "../stop.ts";

const schema = z.object({
  port: option(z.number().int().min(0).max(65535).default(8080), {
    group: "web",
    help: "the port on this machine (or $PORT); where it is taken, the next free one",
  }),
  out: option(z.string().min(1).optional(), {
    group: "web",
    value: "FOLDER",
    absent: "serve the page",
    help: "write the page into a folder for any web host with https, instead of serving it",
  }),
});

export const web: Command = {
  name: "web",
  summary: "serve the page that trains and translates in a browser",
  schema,
  examples: ["npx pix2pix web", "npx pix2pix web --port 3000", "npx pix2pix web --out public"],
  async run(given, output) {
    const { port, out } = parseOptions(schema, { ...portOfEnvironment(given), ...given });
    if (!existsSync(join(appFolder, "index.html"))) {
      throw new UserError(`the page is not built in ${appFolder}; in a checkout, npm run build:web builds it`);
    }
    if (out !== undefined) {
      for (const [path, content] of await readApp()) await files.write(`${out}/${path}`, content);
      output.print(
        `Wrote the page to ${out}. Serve it with https. From the second visit on it has threads and needs no network;`,
      );
      output.print("for threads on the first visit, too, serve it with the headers");
      output.print("  Cross-Origin-Opener-Policy: same-origin");
      output.print("  Cross-Origin-Embedder-Policy: require-corp");
      return 0;
    }
    const { serveFolders } = await import("../../node/serve.ts");
    const served = await serveFolders([appFolder], { port });
    if (port !== 0 && served.port !== port) output.note(`Port ${port} is taken; using ${served.port}.`);
    output.print(`Train and translate in the browser: ${served.url} (Ctrl-C ends it)`);
    const stop = listenForStop(() => {});
    await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    await served.close();
    stop.release();
    return 0;
  },
};
