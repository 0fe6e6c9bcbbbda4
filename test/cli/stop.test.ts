/** Training that is asked to stop by more than Ctrl-C: its terminal is closed, npx is ended. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import { bin } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { codeInShell } from "./run.ts";

const work = workFolder("stop");
beforeAll(() => writeDemo({ files, images }, join(work, "data"), { train: 5, test: 1, size: 32, seed: 1 }));

const line = (name: string) =>
  `train --dataroot data --name ${name} --netG unet_32 --ngf 4 --ndf 4 --crop-size 32 --load-size 36 --threads 1 --device cpu`;
const state = (name: string) => join(work, "runs", name, "latest_state.safetensors");
const text = (name: string) => (existsSync(join(work, name)) ? readFileSync(join(work, name), "utf8") : "");

async function until(what: string, happened: () => boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (happened()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within a minute: ${what}`);
}

const pseudoTerminal = spawnSync("script", ["--version"]).status === 0 && process.platform === "linux";

it.skipIf(process.platform === "win32").each(["SIGHUP", "SIGINT", "SIGUSR1", "SIGTERM"] as const)(
  "%s ends work that has nothing to save with a shell's exit code",
  (signal) => {
    const stop = JSON.stringify(new URL("../../src/cli/stop.ts", import.meta.url).href);
    const script = `import { heedSignals } from ${stop}; heedSignals(); process.kill(process.pid, "${signal}"); setInterval(() => {}, 1000);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(stderr).toBe("Stopped before anything was written.\n");
    expect(status).toBe(codeInShell(signal));
  },
);

it.skipIf(process.platform === "win32")("a download says how much it has, and that it can be continued", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-length": 3_000_000, etag: '"a"' }).write(Buffer.alloc(1_000_000));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [bin, "data", "download", "maps", "--from", from], { cwd: work });
  let said = "";
  child.stderr.on("data", (part) => {
    said += part;
  });
  const part = join(work, "data/maps.tar.gz.part");
  await until("a million bytes", () => existsSync(part) && statSync(part).size === 1_000_000);
  child.kill("SIGINT");
  const code = await new Promise((ended) => child.on("close", ended));
  server.closeAllConnections();
  server.close();
  expect([code, said]).toEqual([130, "Stopped after 1.0 of 3.0 MB; the same command continues the download.\n"]);
  expect(statSync(part).size).toBe(1_000_000);
});

describe("training is saved and ends cleanly", () => {
  it.skipIf(!pseudoTerminal)("when its terminal is closed (skipped without the program script)", async () => {
    // Only the first process of a terminal is told that it is closed, so the program takes the shell's place.
    const command = `exec ${process.execPath} ${bin} ${line("hangup")} 2> hangup.err`;
    const terminal = spawn("script", ["-qfc", command, "hangup.log"], { cwd: work });
    await until("a step", () => text("hangup.log").includes("step "));
    const [pid] = spawnSync("pgrep", ["-f", "--", "--name hangup"], { encoding: "utf8" }).stdout.split("\n").slice(-2);
    terminal.kill("SIGKILL");
    await until("the end", () => !existsSync(`/proc/${pid}`));
    expect(text("hangup.err")).toMatch(/^Stopping: this step is finished and saved first\. .*\n$/);
    expect(existsSync(state("hangup"))).toBe(true);
  });

  it("when npx, which started it, has ended", async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const { openSync } = require("node:fs");
      const out = openSync("npx.log", "a");
      const env = { ...process.env, npm_command: "exec" };
      spawn(process.execPath, ${JSON.stringify([bin, ...line("npx").split(" "), "--print-freq", "1"])}, { env, stdio: ["ignore", out, out] });`;
    const npx = spawn(process.execPath, ["-e", script], { cwd: work });
    await until("a step", () => text("npx.log").includes("step: 1/"));
    npx.kill("SIGTERM");
    await until("the end", () => text("npx.log").includes("Stopped and saved"));
    expect(existsSync(state("npx"))).toBe(true);
  });
});
