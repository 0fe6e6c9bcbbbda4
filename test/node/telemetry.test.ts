/** Nothing leaves the computer: a process with a fresh home looks up no address, opens no socket and leaves no file behind. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("telemetry");

/** Needs strace, which sees what native code asks of the system. */
const strace = spawnSync("strace", ["-V"]).status === 0;
if (!strace)
  console.warn("Sockets of a command are not watched: strace is not installed (Debian: apt install strace).");

interface Seen {
  status: number | null;
  stderr: string;
  /** Files below the home and the temporary folder. */
  left: string[];
  /** Calls that open a socket other than one between local processes, or connect one. */
  sockets: string[];
}

/** Runs Node in an empty folder, without the variable unless it is given. */
function watched(name: string, args: string[], variables: Record<string, string> = {}): Seen {
  const home = join(work, name);
  const temporary = join(home, "tmp");
  mkdirSync(temporary, { recursive: true });
  const { ORT_DISABLE_TELEMETRY: _, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, ".cache"), TMPDIR: temporary };
  const log = join(work, `${name}.strace`);
  const command = [process.execPath, ...args];
  const watch = strace ? ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", log] : [];
  const [program, ...rest] = [...watch, ...command] as [string, ...string[]];
  const { status, stderr } = spawnSync(program, rest, {
    cwd: home,
    encoding: "utf8",
    env: { ...env, ...variables, TSX_DISABLE_CACHE: "1" },
  });
  const calls = strace ? readFileSync(log, "utf8").split("\n") : [];
  const sockets = calls.filter((call) => /AF_(INET|PACKET)/.test(call));
  const left = readdirSync(home, { recursive: true }).map(String);
  return { status, stderr, left, sockets };
}

/** Traces of the runtime's telemetry among the files left. */
const traces = ({ left }: Seen) => left.filter((path) => /Microsoft|onnxruntime|mat-debug/i.test(path));

const source = (file: string) => new URL(file, `file://${root}`).href;

/** Loads the runtime as a library user does, and runs a graph; in the main thread or in a worker. */
const library = `
  import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
  register();
  const { nodePlatform } = await import(${JSON.stringify(source("src/node/index.ts"))});
  const { cpuKernels } = await import(${JSON.stringify(source("src/engines/cpu-kernels.ts"))});
  await cpuKernels(await nodePlatform({ threads: 1 }), { name: "cpu", label: "cpu" });
`;

describe("telemetry of ONNX Runtime", () => {
  it("is off in a command", () => {
    const args = "demo --steps 2 --size 32 --threads 1 --device cpu".split(" ");
    const seen = watched("command", [join(root, "bin/pix2pix.js"), ...args]);
    expect(seen.status, seen.stderr).toBe(0);
    expect(traces(seen)).toEqual([]);
    expect(seen.sockets).toEqual([]);
  });

  it("is off in a program that uses the library, and in a worker that it starts after the import", () => {
    const main = join(work, "main.mjs");
    const worker = join(work, "worker.mjs");
    writeFileSync(worker, library);
    writeFileSync(
      main,
      `${library}
      import { once } from "node:events";
      import { Worker } from "node:worker_threads";
      const [code] = await once(new Worker(${JSON.stringify(worker)}), "exit");
      process.exitCode = code;`,
    );
    const seen = watched("library", [main]);
    expect(seen.status, seen.stderr).toBe(0);
    expect(traces(seen)).toEqual([]);
    expect(seen.sockets).toEqual([]);
  });

  it("a worker that alone loads the runtime is refused, and told what to do", () => {
    const [main, worker] = [join(work, "alone.mjs"), join(work, "alone-worker.mjs")];
    writeFileSync(worker, library);
    writeFileSync(main, `import { Worker } from "node:worker_threads"; new Worker(${JSON.stringify(worker)});`);
    const seen = watched("alone", [main]);
    expect(seen.status).toBe(1);
    expect(seen.stderr).toContain('Import "pix2pix/node" in the main thread before the worker starts');
    expect(traces(seen)).toEqual([]);
  });

  it("stays as the user has set it", () => {
    const main = join(work, "set.mjs");
    writeFileSync(main, `${library}\nconsole.error(process.env.ORT_DISABLE_TELEMETRY);`);
    expect(watched("set", [main], { ORT_DISABLE_TELEMETRY: "yes" }).stderr).toContain("yes");
  });

  it("is turned off before the only import of the runtime", () => {
    const files = readdirSync(join(root, "src"), { recursive: true }).map(String);
    const importing = files
      .filter((path) => path.endsWith(".ts"))
      .filter((path) =>
        // Not the lines that a model card shows to its reader.
        /^(import|export|const|} from|\s*await import).*(from|import\() ?"onnxruntime-node"/m.test(
          readFileSync(join(root, "src", path), "utf8"),
        ),
      );
    expect(importing.map((path) => path.replaceAll("\\", "/"))).toEqual(["node/ort.ts"]);
    const imports = readFileSync(join(root, "src/node/ort.ts"), "utf8").match(/^import .*$/gm)!;
    expect(imports[0]).toBe('import "./telemetry.ts";');
  });
});
