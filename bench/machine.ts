/** Processor and load of the machine on which a benchmark runs. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";

export interface Processor {
  /** For example "Intel(R) Xeon(R) Processor (family 6, model 207)": hypervisors often hide the trade name. */
  name: string;
  /** The vector instructions that matter here. */
  vectors: string;
  cores: number;
  /** Whether PyTorch in bfloat16 is worth measuring: on x86 without AVX-512 it has no kernels for it, and a step takes a minute. */
  bfloat16: boolean;
  /** OPENBLAS_CORETYPE for this processor, which an older OpenBLAS may not recognise; undefined without AVX2. */
  openblas: string | undefined;
}

/** Family, model and flags come from Linux's /proc/cpuinfo; without it the name and the architecture remain. */
export function processor(): Processor {
  const info = read("/proc/cpuinfo");
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(info)?.[1] ?? "";
  const flags = new Set(field("flags").split(" "));
  const [family, model] = [field("cpu family"), field("model")];
  const name = cpus()[0]?.model.trim() || process.arch;
  return {
    name: family ? `${name} (family ${family}, model ${model})` : name,
    vectors: flags.has("avx512f") ? "AVX-512" : flags.has("avx2") ? "AVX2" : process.arch,
    cores: availableParallelism(),
    bfloat16: !flags.has("avx2") || flags.has("avx512f"),
    openblas: coreType(flags, field("vendor_id")),
  };
}

function coreType(flags: ReadonlySet<string>, vendor: string): string | undefined {
  if (flags.has("avx512f")) return "SkylakeX";
  if (!flags.has("avx2")) return undefined;
  return vendor === "AuthenticAMD" ? "Zen" : "Haswell";
}

/** Processes that ran or waited for a processor in the last minute, those of the benchmark included. */
export const load = (): number => loadavg()[0]!;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
