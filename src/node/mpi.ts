/**
 * The processes of one training that `mpirun`, `mpiexec` or `srun` has started, through the MPI library of the machine. Its
 * functions are called by koffi, which is loaded only then.
 */
import { availableParallelism } from "node:os";
import { messageOf, UserError } from "../errors.ts";
import type { Collective, Files } from "../platform.ts";

/** A kind of MPI library. The binary interfaces of these two differ in their handles. */
interface Implementation {
  name: string;
  /** Names of the library, the first that loads is taken. PIX2PIX_MPI names another. */
  libraries: readonly string[];
  /** The type of a handle in C. */
  handle: string;
  /** MPI_COMM_WORLD and MPI_FLOAT: values, or names of symbols whose addresses they are. */
  world: number | string;
  float: number | string;
}

/** mpi.h of Open MPI 4 and 5. */
const openMpi: Implementation = {
  name: "Open MPI",
  libraries: ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"],
  handle: "void *",
  world: "ompi_mpi_comm_world",
  float: "ompi_mpi_float",
};

/** mpi.h of MPICH 3 and 4, and of the libraries with its binary interface (Intel MPI, MVAPICH, Cray MPICH). */
const mpich: Implementation = {
  name: "MPICH",
  libraries: ["libmpich.so.12", "libmpi.so.12", "libmpich.so", "libmpi.12.dylib"],
  handle: "int",
  world: 0x44000000,
  float: 0x4c00040a,
};

/** Number of values that one call sums, which bounds its two buffers. */
const piece = 4 * 2 ** 20;

/** The implementation that has started this process, by the variables that it sets; undefined where none has. */
function launchedBy(env: NodeJS.ProcessEnv): Implementation | undefined {
  if (Number(env.OMPI_COMM_WORLD_SIZE) > 1) return openMpi;
  // mpiexec -pmi-port does not set the number of processes.
  if (Number(env.PMI_SIZE) > 1 || env.PMI_PORT !== undefined) return mpich;
  // srun with PMIx, as Open MPI needs it.
  if (env.PMIX_RANK !== undefined && Number(env.SLURM_STEP_NUM_TASKS) > 1) return openMpi;
  return undefined;
}

/** Processes of this training on this machine. */
const onThisMachine = (env: NodeJS.ProcessEnv): number =>
  Number(env.OMPI_COMM_WORLD_LOCAL_SIZE ?? env.MPI_LOCALNRANKS ?? env.SLURM_NTASKS_PER_NODE) || 1;

/** Cores for each process of this training on this machine. */
export const coresForEach = (env: NodeJS.ProcessEnv = process.env): number =>
  Math.max(1, Math.floor(availableParallelism() / onThisMachine(env)));

/**
 * The processes of this training; undefined where the process was not started by MPI, or alone.
 * @throws UserError where koffi or the MPI library is missing
 */
export async function openCollective(env: NodeJS.ProcessEnv = process.env): Promise<Collective | undefined> {
  const implementation = launchedBy(env);
  if (!implementation) return undefined;
  const { default: koffi } = await import("koffi").catch(() => {
    throw new UserError(
      `This process was started by ${implementation.name} with others, and training together needs koffi, which is not installed. ` +
        "Install it: npm install koffi@3.3.4",
    );
  });
  const library = load(koffi, implementation, env.PIX2PIX_MPI);
  const collective = bind(library, implementation);
  if (collective.size > 1) return collective;
  collective.close();
  return undefined;
}

type Koffi = typeof import("koffi")["default"];
type Library = ReturnType<Koffi["load"]>;

function load(koffi: Koffi, { name, libraries }: Implementation, given: string | undefined): Library {
  const tried = given === undefined ? libraries : [given];
  const reasons: string[] = [];
  for (const file of tried) {
    try {
      // Open MPI's own plug-ins look for its symbols among the global ones.
      return koffi.load(file, { global: true });
    } catch (error) {
      reasons.push(`${file}: ${messageOf(error)}`);
    }
  }
  throw new UserError(
    `This process was started by ${name}, whose library cannot be loaded; PIX2PIX_MPI=FILE names it. Tried: ${reasons.join("; ")}`,
  );
}

function bind(library: Library, { name, handle, world, float }: Implementation): Collective {
  const value = (of: number | string): unknown => (typeof of === "number" ? of : library.symbol(of, "void"));
  const [comm, floats] = [world, float].map(value);
  const define = (text: string) => library.func(text.replaceAll("HANDLE", handle));
  const functions = {
    MPI_Init: define("int MPI_Init(void *argc, void *argv)"),
    MPI_Comm_rank: define("int MPI_Comm_rank(HANDLE comm, _Out_ int *rank)"),
    MPI_Comm_size: define("int MPI_Comm_size(HANDLE comm, _Out_ int *size)"),
    MPI_Alltoall: define(
      "int MPI_Alltoall(void *send, int sent, HANDLE type, void *recv, int received, HANDLE to, HANDLE comm)",
    ),
    MPI_Allgather: define(
      "int MPI_Allgather(void *send, int sent, HANDLE type, void *recv, int received, HANDLE to, HANDLE comm)",
    ),
    MPI_Barrier: define("int MPI_Barrier(HANDLE comm)"),
    MPI_Abort: define("int MPI_Abort(HANDLE comm, int code)"),
    MPI_Finalize: define("int MPI_Finalize()"),
  };
  const call = (which: keyof typeof functions, ...args: unknown[]) => {
    const code: number = functions[which](...args);
    if (code !== 0) throw new UserError(`${name}: ${which} failed with code ${code}.`);
  };
  const numberOf = (which: "MPI_Comm_rank" | "MPI_Comm_size") => {
    const out = [0];
    call(which, comm, out);
    return out[0]!;
  };
  call("MPI_Init", null, null);
  const [rank, size] = [numberOf("MPI_Comm_rank"), numberOf("MPI_Comm_size")];
  let [whole, parts] = [new Float32Array(0), new Float32Array(0)];
  // Each process adds one segment of the values, in the order of the processes, and gets the others' segments. That is as many
  // bytes as a ring of MPI_Allreduce, whose order of additions is not specified: with four processes its roundings led to other
  // weights in 1000 steps.
  const add = (values: Float32Array) => {
    const segment = Math.ceil(values.length / size);
    if (whole.length < segment * size)
      [whole, parts] = [new Float32Array(segment * size), new Float32Array(segment * size)];
    whole.set(values);
    call("MPI_Alltoall", whole, segment, floats, parts, segment, floats, comm);
    const sums = parts.subarray(0, segment);
    for (let other = 1; other < size; other++) {
      for (let i = 0, at = other * segment; i < segment; i++, at++) sums[i] = sums[i]! + parts[at]!;
    }
    call("MPI_Allgather", sums, segment, floats, whole, segment, floats, comm);
    values.set(whole.subarray(0, values.length));
  };
  return {
    rank,
    size,
    name,
    sum(values) {
      for (let at = 0; at < values.length; at += piece) add(values.subarray(at, at + piece));
    },
    barrier: () => call("MPI_Barrier", comm),
    abort: (code) => call("MPI_Abort", comm, code),
    close: () => call("MPI_Finalize"),
  };
}

/** Files without locks and streams, whose writes do nothing: the first process writes for all. */
export function readingOnly(files: Files): Files {
  const { lock: _lock, create: _create, scratch: _scratch, ...rest } = files;
  const nothing = async () => {};
  return { ...rest, write: nothing, append: nothing, rename: nothing, remove: nothing };
}
