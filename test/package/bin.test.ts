/** How bin/pix2pix.js starts: with the memory settings that only a new process takes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeDemo } from "../../src/demo/write.ts";
import { nodePlatform } from "../../src/node/index.ts";
import { codeInShell } from "../cli/run.ts";
import { bin, root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const names = ["MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX"];
/** Without the setting that keeps other tests from starting twice. */
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.includes(name)));

/** Every process of Node that a command becomes prints its settings. */
const print = `process.stderr.write([${names.map((name) => `process.env.${name}`)}].join() + "\\n")`;
const printing = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(print)}` };

const work = workFolder("bin");

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it("its first line is one that npm, pnpm and yarn can make a script of", () => {
  expect(readFileSync(bin, "utf8").split("\n")[0]).toBe("#!/usr/bin/env node");
});

it("a checkout runs its build until a source changes, is added or goes, and a package always", async () => {
  const checkout = join(work, "checkout");
  const file = (name: string) => join(checkout, name);
  for (const folder of ["bin", "src/cli", "src/nn", "dist/program"]) mkdirSync(file(folder), { recursive: true });
  copyFileSync(bin, file("bin/pix2pix.js"));
  symlinkSync(join(root, "node_modules"), file("node_modules"));
  writeFileSync(file("package.json"), '{ "type": "module" }');
  writeFileSync(file("src/cli/main.ts"), 'console.log("sources" as string);');
  writeFileSync(file("src/nn/adam.ts"), "");
  writeFileSync(file("dist/program/main.js"), 'console.log("built");');
  const ran = () => spawnSync(process.execPath, [file("bin/pix2pix.js")], { encoding: "utf8" }).stdout.trim();
  expect(ran(), "no build has ended").toBe("sources");
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  const build = async () => {
    await pause();
    writeFileSync(file("dist/built.json"), JSON.stringify({ began: Date.now() }));
    await pause();
  };
  const changes = {
    changed: () => writeFileSync(file("src/cli/main.ts"), 'console.log("sources" as string);'),
    "replaced by one with an older time": () => {
      writeFileSync(file("src/nn/adam.ts"), "");
      utimesSync(file("src/nn/adam.ts"), 0, 0);
    },
    added: () => writeFileSync(file("src/nn/conv.ts"), ""),
    gone: () => renameSync(file("src/nn/adam.ts"), file("adam.ts")),
  };
  for (const [change, make] of Object.entries(changes)) {
    if (change === "gone") rmSync(file("src/nn/conv.ts"));
    await build();
    expect(ran()).toBe("built");
    make();
    expect(ran(), change).toBe("sources");
  }
  rmSync(file("src"), { recursive: true });
  expect(ran()).toBe("built");
});

it.skipIf(process.platform === "win32").each(["SIGHUP", "SIGINT", "SIGUSR1", "SIGTERM"] as const)(
  "%s while the program loads gives a shell's exit code",
  (signal) => {
    const folder = join(work, signal);
    for (const name of ["bin", "dist/program"]) mkdirSync(join(folder, name), { recursive: true });
    copyFileSync(bin, join(folder, "bin/pix2pix.js"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const loading = `process.kill(process.pid, "${signal}"); setInterval(() => {}, 1000);`;
    writeFileSync(join(folder, "dist/program/main.js"), loading);
    const { status, stderr } = spawnSync(process.execPath, [join(folder, "bin/pix2pix.js")], { encoding: "utf8" });
    expect(stderr).toBe("Stopped before anything was written.\n");
    expect(status).toBe(codeInShell(signal));
  },
);

it("refuses to run under Node's permission model, in one line", () => {
  const flag = process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission";
  const flags = [flag, "--allow-fs-read=*", "--allow-fs-write=*", "--no-warnings"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, bin, "demo"], { encoding: "utf8" });
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^error: pix2pix does not run under Node's permission model \(--permission\)[^\n]+\n$/);
});

describe.runIf(process.platform === "linux")("the memory settings", () => {
  const started = (env: Record<string, string | undefined>, ...args: string[]) => {
    const { status, stderr } = spawnSync(bin, args, { encoding: "utf8", env: { ...plain, ...printing, ...env } });
    return { status, settings: stderr.split("\n").filter((line) => line.split(",").length === names.length) };
  };

  it("are set when the command runs", () => {
    const { status, settings } = started({}, "--version");
    expect(status).toBe(0);
    expect(settings.at(-1)).toBe("0,4294967296,1");
  });

  it("leave those alone that the user has set", () => {
    expect(started({ MALLOC_ARENA_MAX: "4" }, "--version").settings).toEqual([",,4"]);
  });

  it("keep the exit code", () => {
    expect(started({}, "nonsense").status).toBe(2);
  });

  it("a command that trains ends with the process that started it, by a signal or killed", {
    timeout: 60_000,
  }, async () => {
    await writeDemo(await nodePlatform(), join(work, "data"), { train: 8, test: 0, size: 32, seed: 1 });
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      // Each process of the command says its number on a socket.
      const pids: number[] = [];
      const server = createServer((socket) => socket.on("data", (text) => pids.push(Number(text)))).listen(
        0,
        "127.0.0.1",
      );
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      const tell = `import net from "node:net"; const s = net.connect(${port}, "127.0.0.1", () => s.end(String(process.pid))); s.unref();`;
      const env = { ...plain, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}` };
      const args =
        "train --dataroot data --netG unet_32 --ngf 2 --ndf 2 --load-size 32 --crop-size 32 --n-epochs 100000 --threads 1";
      const child = spawn(bin, [...args.split(" "), "--name", signal], {
        cwd: work,
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
      await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);
      expect(pids.length).toBeGreaterThan(0);
      server.close();
    }
  });
});
