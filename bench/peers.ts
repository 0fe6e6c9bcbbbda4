/** The peers of `npm run bench`: every PyTorch, ONNX Runtime and TensorFlow of Python that is found, each in its usual settings. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Processor } from "./machine.ts";
import type { Side } from "./sides.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What bench/peers/pytorch.py --describe prints. */
interface PyTorch {
  version: string;
  /** Whether matrix products come from OpenBLAS, which has its own threads and may not know the processor. */
  openblas: boolean;
  compile: boolean;
  /** The name of the GPU; null without one. */
  gpu: string | null;
}

export interface Peers {
  /** The interpreter with the newest packages is the first. */
  torch: readonly { python: string; found: PyTorch }[];
  /** An interpreter that can import what peers/translate.py does. */
  translating: string | undefined;
  /** Interpreters that can import these packages. */
  onnxruntime: string | undefined;
  tensorflow: string | undefined;
}

/** Searches the interpreters of `--python`, bench/peers/setup, PIX2PIX_PYTHON, the PATH and Debian's packages, in this order. */
export function findPeers(named: readonly string[]): Peers {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const peers = process.env.PIX2PIX_PEERS ?? join(cache, "pix2pix/peers");
  const usual = [join(peers, "bin/python"), process.env.PIX2PIX_PYTHON ?? "python3", "python3", "/usr/bin/python3"];
  const programs = new Map<string, string>();
  for (const python of [...named, ...usual]) {
    if (python.includes("/") && !existsSync(python)) continue;
    // Several names may lead to one environment, which its prefix identifies.
    const prefix = spawnSync(python, ["-c", "import sys; print(sys.prefix)"], { encoding: "utf8" });
    if (prefix.status === 0 && !programs.has(prefix.stdout)) programs.set(prefix.stdout, python);
  }
  const all = [...programs.values()];
  const imports = (names: string) => all.find((python) => spawnSync(python, ["-c", `import ${names}`]).status === 0);
  return {
    torch: all.flatMap((python) => describe(python) ?? []),
    translating: imports("torch, safetensors, PIL"),
    onnxruntime: imports("onnxruntime"),
    tensorflow: imports("tensorflow"),
  };
}

function describe(python: string): { python: string; found: PyTorch } | undefined {
  const { status, stdout } = spawnSync(python, [here("peers/pytorch.py"), "--describe"], { encoding: "utf8" });
  return status === 0 ? { python, found: JSON.parse(stdout) as PyTorch } : undefined;
}

/** Flags that all sides share. */
export interface SideOptions {
  flags: readonly string[];
  threads: number;
  /** The variables of our program for the C library's allocator, which the tuned rows get too. */
  allocator: Readonly<Record<string, string>>;
}

/** Rows on a CPU for each PyTorch: as installed, then with the settings that users try for speed. */
export function pytorchOnCpu({ torch }: Peers, cpu: Processor, options: SideOptions): Side[] {
  return torch.flatMap(({ python, found }) => {
    const side = (setting: string, flags: readonly string[], env: Side["env"], float32 = true): Side => ({
      name: `PyTorch ${found.version}, ${setting}`,
      command: [python, [here("peers/pytorch.py"), ...options.flags, ...flags]],
      ...(env ? { env } : {}),
      float32,
    });
    // OpenMP threads that spin between two parallel regions take the cores from OpenBLAS: 1.1 s a step instead of 0.82 s on 2 cores.
    const threads = { OPENBLAS_NUM_THREADS: `${options.threads}`, OMP_WAIT_POLICY: "PASSIVE" };
    const base = { ...untuned, ...(found.openblas ? threads : {}) };
    const kernels = found.openblas && cpu.openblas ? { OPENBLAS_CORETYPE: cpu.openblas } : {};
    const tuned = { ...base, ...options.allocator, ...kernels };
    const chosen = Object.keys(kernels).length ? `OPENBLAS_CORETYPE=${cpu.openblas}, ` : "";
    return [
      side("as installed", [], base),
      ...(chosen ? [side(chosen.slice(0, -2), [], tuned)] : []),
      side(`${chosen}channels_last`, ["--channels-last"], tuned),
      ...(found.compile ? [side("torch.compile, channels_last", ["--compile", "--channels-last"], tuned)] : []),
      ...(cpu.bfloat16
        ? [side("bfloat16 autocast, channels_last", ["--bfloat16", "--channels-last"], tuned, false)]
        : []),
    ];
  });
}

/** Removes variables that the machine may set for other programs. */
const untuned = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };

/** Rows on CUDA for each PyTorch that has it. */
export function pytorchOnGpu({ torch }: Peers, options: SideOptions): Side[] {
  return torch
    .filter(({ found }) => found.gpu !== null)
    .flatMap(({ python, found }) => {
      const side = (setting: string, flags: readonly string[], float32 = true): Side => ({
        name: `PyTorch ${found.version} on ${found.gpu}, ${setting}`,
        command: [python, [here("peers/pytorch.py"), ...options.flags, "--cuda", ...flags]],
        float32,
      });
      return [
        side("float32", []),
        side("TF32", ["--tf32"], false),
        ...(found.compile
          ? [side("torch.compile", ["--compile"]), side("TF32, torch.compile", ["--tf32", "--compile"], false)]
          : []),
        side("bfloat16 autocast, channels_last", ["--bfloat16", "--channels-last"], false),
      ];
    });
}

/** Runtimes that have only the forward pass. @param model the generator as an ONNX file */
export function forwardOnly({ onnxruntime, tensorflow }: Peers, model: string, { flags }: SideOptions): Side[] {
  const side = (name: string, python: string, ...args: string[]): Side => ({
    name,
    command: [python, [here("peers/forward.py"), ...args, ...flags]],
    env: untuned,
    float32: true,
  });
  return [
    ...(onnxruntime ? [side("ONNX Runtime of Python", onnxruntime, "onnxruntime", "--model", model)] : []),
    ...(tensorflow ? [side("TensorFlow", tensorflow, "tensorflow")] : []),
  ];
}
