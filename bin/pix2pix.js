#!/usr/bin/env node
/**
 * Starts the program: dist/program/, or in a checkout whose sources have changed since that was built, the sources (through
 * tsx, which takes a second more).
 *
 * On Linux it first starts itself again with settings of the C library's memory, which are read when a process starts: memory
 * that ONNX Runtime gives back stays for its next run. Without them every training step has the system take pages away and fill
 * them anew, a tenth of its time (docs/performance.md). One arena for all threads is 30 MB less. They are not in the line above,
 * as `env -S NAME=value node`, because pnpm makes a script of that line that cannot run.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";

const memory = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "4294967296", MALLOC_ARENA_MAX: "1" };
const isSet = Object.keys(memory).some((name) => process.env[name] !== undefined);

/** Signals that ask the program to stop. */
const signals = ["SIGHUP", "SIGINT", "SIGUSR1", "SIGTERM"];

if (process.permission) refuse();
else if (process.platform === "linux" && !isSet) startAgain();
else await start();

function refuse() {
  process.stderr.write(
    "error: pix2pix does not run under Node's permission model (--permission). It forbids native modules, other processes and, in " +
      "Node 26, fsync, without which a power loss could damage a checkpoint. Start pix2pix without that option.\n",
  );
  process.exitCode = 1;
}

async function start() {
  // Until the program is loaded, which takes a second. It replaces `tell` (src/cli/stop.ts): another listener would lose a signal
  // that has come but is not told yet.
  const heard = { tell: stopped };
  globalThis[Symbol.for("pix2pix.signals")] = heard;
  for (const name of signals) process.on(name, () => heard.tell(name));
  const sources = new URL("../src/", import.meta.url);
  const isCheckout = existsSync(sources);
  if (isCheckout && youngest(sources) >= built()) {
    const { register } = await import("tsx/esm/api");
    register();
    await import(new URL("cli/main.ts", sources).href);
  } else {
    process.setSourceMapsEnabled(isCheckout);
    await import(new URL("../dist/program/main.js", import.meta.url).href);
  }
}

/** When the last build of dist/ began, in milliseconds; 0 where none has ended. */
function built() {
  const file = new URL("../dist/built.json", import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).began : 0;
}

/**
 * The latest change of a file or a list of files in the folder, in milliseconds. A file that is gone changes the list. These are the
 * times of the system (ctime): a copy may bring the time of the file that it was made from (mtime).
 */
function youngest(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const changes = entries.map((entry) => {
    const isFolder = entry.isDirectory();
    const url = new URL(`${encodeURIComponent(entry.name)}${isFolder ? "/" : ""}`, folder);
    return isFolder ? youngest(url) : statSync(url).ctimeMs;
  });
  return Math.max(statSync(folder).ctimeMs, ...changes);
}

function stopped(name) {
  process.stderr.write("Stopped before anything was written.\n");
  process.exit(128 + constants.signals[name]);
}

/** As the same process from Node 22.15 on, else as a child that this process stands for. */
function startAgain() {
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, ...memory };
  const streams = inherited();
  // A replaced process keeps the standard streams alone.
  if (process.execve && streams.length === 3) process.execve(process.execPath, [process.execPath, ...args], env);
  const child = spawn(process.execPath, ["--import", endWithParent(), ...args], { stdio: streams, env });
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  // npx does not pass a signal on to its child; the child of this process cannot see that npx has ended.
  const { ppid } = process;
  const byNpx = process.env.npm_command === "exec" || process.env.npm_lifecycle_event === "npx";
  if (byNpx) setInterval(() => process.ppid !== ppid && forward("SIGTERM"), 1000).unref();
  child.on("exit", (code, signal) => {
    for (const name of signals) process.off(name, forward);
    // It ends by such a signal only before it listens.
    if (signals.includes(signal)) stopped(signal);
    else if (signal) process.kill(process.pid, signal);
    else process.exitCode = code;
  });
}

/** The standard streams, and the socket by which MPICH's mpiexec talks to its processes. */
function inherited() {
  const streams = ["inherit", "inherit", "inherit"];
  const socket = Number(process.env.PMI_FD);
  if (!(socket > 2)) return streams;
  return [...streams, ...Array(socket - streams.length).fill("ignore"), socket];
}

/** A module that asks its process to stop once this one has been killed, so that no run goes on unseen. */
function endWithParent() {
  const watch = `setInterval(() => process.ppid !== ${process.pid} && process.kill(process.pid, "SIGTERM"), 1000).unref()`;
  return `data:text/javascript,${encodeURIComponent(watch)}`;
}
