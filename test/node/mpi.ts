/** The MPI of this machine, for tests: Open MPI's mpirun and MPICH's mpiexec. */
import { spawn, spawnSync } from "node:child_process";
import { bin } from "../paths.ts";

export interface Launcher {
  name: string;
  /** Why it cannot be used; undefined where it can. */
  missing: string | undefined;
  command: string;
  args(processes: number): string[];
  /** The variable with the number of a process. */
  rank: string;
}

/** The first of these commands whose version names the library. */
function find(commands: readonly string[], version: RegExp): string | undefined {
  return commands.find((command) => version.test(spawnSync(command, ["--version"], { encoding: "utf8" }).stdout ?? ""));
}

function launcher(
  name: string,
  commands: readonly string[],
  version: RegExp,
  rest: Pick<Launcher, "args" | "rank">,
): Launcher {
  const command = find(commands, version);
  const missing = command === undefined ? `none of ${commands.join(", ")} is ${name}'s` : undefined;
  return { name, command: command ?? "", missing, ...rest };
}

export const launchers: readonly Launcher[] = [
  launcher("Open MPI", ["mpirun.openmpi", "mpirun"], /Open MPI/, {
    args: (processes) => ["--allow-run-as-root", "--oversubscribe", "-n", String(processes)],
    rank: "OMPI_COMM_WORLD_RANK",
  }),
  // PIX2PIX_MPIEXEC names one that is not in the path, and its library is found by LD_LIBRARY_PATH.
  launcher("MPICH", [process.env.PIX2PIX_MPIEXEC ?? "mpiexec.mpich", "mpiexec.hydra", "mpiexec"], /HYDRA/, {
    args: (processes) => ["-n", String(processes)],
    rank: "PMI_RANK",
  }),
];

/** Starts the program in several processes. */
export function startTogether(launcher: Launcher, processes: number, cwd: string, line: string) {
  const args = [...launcher.args(processes), process.execPath, bin, ...line.split(" ").filter(Boolean)];
  const child = spawn(launcher.command, args, { cwd });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  const ended = new Promise<{ code: number | null; text: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text }));
  });
  return { child, ended, text: () => text };
}
