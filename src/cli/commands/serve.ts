/** pix2pix serve */
import * as z from "zod";
import { option, parseOptions } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import { ConfigError, UserError } from "../../errors.ts";
import { files } from "../../node/files.ts";
import { isFolder } from "../../node/folders.ts";
import type { Listening } from "../../node/http.ts";
import { listRuns, nestedRuns } from "../../run/run.ts";
import type { Limits } from "../../server/limits.ts";
import { shellOption, visible } from "../../text.ts";
import type { Command, Output } from "../command.ts";
import { portOfEnvironment } from "../environment.ts";
import { openServer } from "../server.ts";
import { listenForStop } from "../stop.ts";

const { checkpointsDir, threads } = configSchema.shape;
const mebi = 2 ** 20;
/** The bodies of all requests together, in bodies of the largest size. */
const heldBodies = 4;
const tokenForm = /^[\x21-\x7e]{16,}$/;
const tokenText = "a text of 16 or more characters without blanks";

const schema = z.object({
  checkpointsDir,
  host: option(z.string().min(1).default("127.0.0.1"), {
    group: "server",
    value: "ADDRESS",
    help: "the address to listen on; 127.0.0.1 is this machine alone, 0.0.0.0 every network of it (then with --token)",
  }),
  port: option(z.number().int().min(0).max(65535).default(8080), {
    group: "server",
    help: "the port (or $PORT); where it is taken, the next free one",
  }),
  token: option(z.string().regex(tokenForm, tokenText).optional(), {
    group: "server",
    value: "TEXT",
    absent: "none, or $PIX2PIX_TOKEN, which other users of the machine do not see",
    help: "secret that every request must carry, 16 or more characters without blanks: as Authorization: Bearer, or once as ?token= in a browser",
  }),
  dataDir: option(z.string().min(1).default("."), {
    group: "server",
    value: "FOLDER",
    help: "folder whose data sets can be trained on from the page; those of the runs can, too",
  }),
  readOnly: option(z.boolean().default(false), {
    group: "server",
    help: "runs cannot be started, continued, stopped or deleted from the page",
  }),
  maxBody: option(z.int().min(1).max(2048).default(64), {
    group: "limits",
    unit: "MiB",
    help: "the largest body of a request",
  }),
  maxPixels: option(z.int().min(1).default(16), { group: "limits", unit: "megapixels", help: "the largest picture" }),
  maxQueue: option(z.int().min(1).max(100_000).default(256), {
    group: "limits",
    unit: "pictures",
    help: "pictures and ONNX exports that may wait; further ones are answered with 429 and Retry-After",
  }),
  maxSeconds: option(z.int().min(1).max(3600).default(120), {
    group: "limits",
    unit: "s",
    help: "how long a picture or an export may wait and compute; then the answer is 503",
  }),
  threads,
});

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

type Options = z.output<typeof schema>;

/** The token of $PIX2PIX_TOKEN, unless --token is given. @throws ConfigError for one that cannot be used; it is not shown */
function tokenOfEnvironment(given: Readonly<Record<string, unknown>>): { token?: string } {
  const { PIX2PIX_TOKEN: token } = process.env;
  if (!token || given.token !== undefined) return {};
  if (tokenForm.test(token)) return { token };
  throw new ConfigError(`the environment variable PIX2PIX_TOKEN: expected ${tokenText}`);
}

/** Options from the command line and the environment. @throws ConfigError for a network without a token */
function parsed(given: Readonly<Record<string, unknown>>): Options {
  const options = parseOptions(schema, { ...portOfEnvironment(given), ...tokenOfEnvironment(given), ...given });
  if (!loopback.test(options.host) && options.token === undefined) {
    throw new ConfigError(
      `--host ${options.host}: other machines could read the runs and stop trainings; give --token TEXT (or PIX2PIX_TOKEN), ` +
        "which every request then has to carry, or leave --host out",
    );
  }
  return options;
}

export const serve: Command = {
  name: "serve",
  summary: "show runs on a page, and translate pictures over HTTP",
  schema,
  common: ["checkpointsDir", "dataDir", "host", "port", "token", "readOnly"],
  examples: [
    "npx pix2pix serve",
    "npx pix2pix serve --checkpoints-dir runs --port 9000",
    "npx pix2pix serve --host 0.0.0.0 --token $(openssl rand -hex 16)",
    "curl --data-binary @label.png -H 'Content-Type: image/png' http://localhost:8080/api/runs/facades/translate -o photo.png",
  ],
  async run(given, output) {
    const options = parsed(given);
    await checkFolders(options, output);
    const stop = listenForStop(() =>
      output.note("Ending: answers under way are finished first. Press Ctrl-C again to end at once."),
    );
    try {
      const served = await openServer({ ...options, dataDirs: [options.dataDir], limits: limitsOf(options) }, output);
      announce(options, served, output);
      await hintAtNested(options, output);
      await new Promise<void>((resolve) => {
        if (stop.signal.aborted) resolve();
        stop.signal.addEventListener("abort", () => resolve());
      });
      await served.close();
    } finally {
      stop.release();
    }
    return 0;
  },
};

function limitsOf({ maxBody, maxPixels, maxQueue, maxSeconds }: Options): Partial<Limits> {
  return {
    body: maxBody * mebi,
    held: heldBodies * maxBody * mebi,
    pixels: maxPixels * mebi,
    queue: maxQueue,
    seconds: maxSeconds,
  };
}

function announce({ port, checkpointsDir, token }: Options, served: Listening, output: Output): void {
  if (port !== 0 && served.port !== port) output.note(`Port ${port} is taken; using ${served.port}.`);
  const address = token === undefined ? served.url : `${served.url}?token=TOKEN`;
  output.print(`The runs of ${checkpointsDir}: ${address} (Ctrl-C ends it)`);
  output.print(`For programs: ${served.url}openapi.json`);
}

/** @throws UserError where a path is no folder. The folder of the runs may be missing: a training can create it later */
async function checkFolders({ dataDir, checkpointsDir }: Options, output: Output): Promise<void> {
  if (!(await isFolder(dataDir))) {
    throw new UserError(`--data-dir: there is no folder ${visible(dataDir)}`);
  }
  const isThere = await files.exists(checkpointsDir);
  if (isThere && !(await isFolder(checkpointsDir))) {
    throw new UserError(`--checkpoints-dir: ${visible(checkpointsDir)} is a file; the folder of all runs was expected`);
  }
  if (!isThere)
    output.note(`note: there is no folder ${visible(checkpointsDir)} yet; the page shows runs when they begin in it`);
}

/** Where the folder has no runs, names the folders in it that have some, such as that of a sweep: the page shows the runs of one folder. */
async function hintAtNested({ checkpointsDir }: Options, output: Output): Promise<void> {
  if ((await listRuns(files, checkpointsDir)).length > 0) return;
  const folders = new Set((await nestedRuns(files, checkpointsDir)).map((name) => name.replace(/\/.*$/, "")));
  for (const folder of [...folders].slice(0, 3)) {
    const place = shellOption("--checkpoints-dir", `${checkpointsDir}/${folder}`);
    output.note(
      `note: ${visible(checkpointsDir)} has no runs, but ${visible(folder)} in it has; to show them: ${place}`,
    );
  }
}
