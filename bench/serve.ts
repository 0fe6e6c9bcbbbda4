/**
 * Load on `pix2pix serve`: `node --import tsx bench/serve.ts --name demo [--checkpoints-dir runs] [--requests 300]`.
 *
 * Requests a second with the median and the 99th percentile of their time at 1, 8 and 64 clients on loopback; memory over
 * 2000 requests; and the status of requests that are in progress at SIGTERM.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allocatorVariables } from "../scripts/allocator.ts";
import { scriptOptions, usageError } from "../scripts/options.ts";

const { values } = scriptOptions(import.meta.url, {
  options: {
    name: { type: "string", default: "demo" },
    "checkpoints-dir": { type: "string", default: "runs" },
    requests: { type: "string", default: "300" },
    picture: { type: "string" },
  },
});
const { name, "checkpoints-dir": checkpointsDir } = values;
const bin = fileURLToPath(new URL("../bin/pix2pix.js", import.meta.url));

interface Answer {
  status: number;
  milliseconds: number;
}

const { url, process: server } = await start();
const path = `${url}api/runs/${encodeURIComponent(name)}/translate`;
const picture = readFileSync(values.picture ?? firstPicture());
await load(4, 20);
console.log("clients  requests/s  p50 ms  p99 ms  other than 200");
for (const clients of [1, 8, 64]) {
  const began = performance.now();
  const answers = await load(clients, Number(values.requests));
  const seconds = (performance.now() - began) / 1000;
  const times = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!.toFixed(1);
  const failed = answers.filter(({ status }) => status !== 200).length;
  console.log(
    [clients, (answers.length / seconds).toFixed(1), at(0.5), at(0.99), failed]
      .map((x) => String(x).padEnd(9))
      .join(""),
  );
}
console.log("requests  resident MB");
for (let done = 0; done <= 2000; done += 500) {
  if (done > 0) await load(8, 500);
  console.log(`${String(done).padEnd(10)}${memory(server.pid!)}`);
}
const under = load(32, 320);
await new Promise((resolve) => setTimeout(resolve, 300));
server.kill("SIGTERM");
const ended = await under;
const counts = new Map<number, number>();
for (const { status } of ended) counts.set(status, (counts.get(status) ?? 0) + 1);
console.log(
  "SIGTERM under load:",
  [...counts].map(([status, count]) => `${count} x ${status === 0 ? "not connected" : status}`).join(", "),
);

function start(): Promise<{ url: string; process: ReturnType<typeof spawn> }> {
  const child = spawn(process.execPath, [bin, "serve", "--port", "0", "--checkpoints-dir", checkpointsDir], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...allocatorVariables },
  });
  // Ends the server also where this script fails.
  process.on("exit", () => child.kill("SIGKILL"));
  return new Promise((resolve) => {
    child.stdout.on("data", (text) => {
      const found = /(http:\S+\/) \(/.exec(String(text))?.[1];
      if (found) resolve({ url: found.replace("localhost", "127.0.0.1"), process: child });
    });
  });
}

/** The first picture of the run's test or training pairs. */
function firstPicture(): string {
  const { dataroot } = JSON.parse(readFileSync(join(checkpointsDir, name, "config.json"), "utf8")) as {
    dataroot: string;
  };
  const folder = ["testA", "trainA", "test", "train"]
    .map((each) => join(dataroot, each))
    .find((each) => {
      try {
        return readdirSync(each).length > 0;
      } catch {
        return false;
      }
    });
  if (!folder)
    usageError(
      `${dataroot} has no testA, trainA, test or train: run this script in the folder to which that path is relative, or name --picture FILE.`,
    );
  return join(folder, readdirSync(folder).sort()[0]!);
}

/** Sends `count` requests from `clients` clients; each waits for an answer before its next request. */
async function load(clients: number, count: number): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const answers: Answer[] = [];
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const answer = await send(agent);
      answers.push(answer);
      // A server that is shutting down asks clients to retry later, but then it is gone.
      if (answer.status === 503) return;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return answers;
}

/** @returns the status; 0 where the server refused the connection, -1 where the connection broke */
function send(agent: Agent): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status: number) => resolve({ status, milliseconds: performance.now() - began });
    const sent = request(path, { agent, method: "POST", headers: { "Content-Type": "image/png" } }, (response) => {
      response.resume();
      response.on("end", () => end(response.statusCode!));
      response.on("error", () => end(-1));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED" ? 0 : -1));
    sent.end(picture);
  });
}

function memory(pid: number): string {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kilobytes) / 1000).toFixed(0);
}
