/**
 * The interfaces between the core and a runtime (Node, a browser). The core imports no runtime; `node/` and `web/`
 * implement these.
 */
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";

/** The values of a picture: 0 to 255, 0 to 65535, or the network's range [-1, 1]. */
export type Samples = Uint8Array | Uint16Array | Float32Array;

/** A picture, by default of 8 bits: rows from top to bottom, channels interleaved. */
export interface Picture<Data extends Samples = Uint8Array> {
  width: number;
  height: number;
  /** 1: grey, 2: grey and alpha, 3: RGB, 4: RGBA; with `bands` any number. */
  channels: number;
  /** width * height * channels values. */
  data: Data;
  /** The channels are measurements: none is a colour or alpha, whatever their number. */
  bands?: boolean;
}

/** A picture of any depth. */
export type DeepPicture = Picture<Samples>;

/** Files by path. Parts of a path are separated by /. */
export interface Files {
  read(path: string): Promise<Uint8Array>;
  /** The bytes [start, end) of a file, fewer where it ends. Absent where a runtime can only read whole files. */
  readPart?(path: string, start: number, end: number): Promise<Uint8Array>;
  /**
   * Writes a temporary file beside and renames it, so that a reader sees the old file or the new one, and a full disk
   * leaves the old one. Creates folders.
   */
  write(path: string, content: Uint8Array | string | readonly Uint8Array[]): Promise<void>;
  append(path: string, content: string | Uint8Array): Promise<void>;
  /** The entries of a folder, sorted by code unit; undefined when there is no such folder. */
  list(path: string): Promise<{ name: string; folder: boolean }[] | undefined>;
  exists(path: string): Promise<boolean>;
  /**
   * Bytes of a file, and when it was last changed, in milliseconds since 1970. Absent where a runtime would have to open
   * the file for that.
   */
  stat?(path: string): Promise<{ bytes: number; modified: number }>;
  /** Replaces a file at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or an empty folder; does nothing where there is none. */
  remove(path: string): Promise<void>;
  /**
   * Keeps other processes (or tabs) from working on the same thing until the returned function is called.
   * @param path of the lock file
   * @param what is locked, for the message: "The run runs/mine is being trained"
   * @throws UserError that names the holder
   */
  lock?(path: string, what: string): Promise<() => Promise<void>>;
  /** Who holds a lock; undefined where nobody does. Absent where locks have no holder that could be named. */
  holder?(path: string): Promise<LockHolder | undefined>;
  /** A path with its symbolic links followed. Absent where there are none. @throws UserError where nothing is there */
  realPath?(path: string): Promise<string>;
  /** Begins a file that is written piece by piece, because it may be larger than the memory. Creates folders. */
  create?(path: string): Promise<FileStream>;
  /** Opens an empty scratch file. @param path at which no file exists */
  scratch?(path: string): Promise<Scratch>;
  /** Bytes that can still be written into a folder. */
  free?(folder: string): Promise<number>;
}

/** A file of intermediate values, which nobody else reads. It is removed when it is closed or when the program ends. */
export interface Scratch {
  write(at: number, bytes: Uint8Array): Promise<void>;
  /** Fills `bytes` from `at` on. Where nothing was written, they keep their values or become 0. */
  read(at: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A file that is written piece by piece. Until `done`, a reader sees the previous file. */
export interface FileStream {
  write(bytes: Uint8Array): Promise<void>;
  /** Stores the file on the disk and renames it. */
  done(): Promise<void>;
  /** Removes what was written. */
  abandon(): Promise<void>;
}

/** A picture of which parts are read. Values are those of `decodeDeep`. */
export interface LargePicture {
  width: number;
  height: number;
  /** A rectangle that lies inside the picture. */
  read(part: { y: number; x: number; height: number; width: number }): Promise<DeepPicture>;
  close(): Promise<void>;
}

/** A process that works on something. */
export interface LockHolder {
  pid: number;
  host: string;
  /** ISO 8601. */
  since: string;
  /** Whether it runs on this machine, so that it can be signalled. */
  here: boolean;
}

/** How a picture is decoded. */
export interface DecodeOptions {
  /** Keep the transparency of a file that has some, as a channel. */
  alpha?: boolean;
  /**
   * Turn a JPEG, PNG or WebP upright by its EXIF orientation, as viewers show it. Without this its pixels stay as stored, as
   * with Pillow's `Image.open` and so in the PyTorch code.
   */
  upright?: boolean;
  /**
   * A picture of more pixels, or of more values than so many pixels of 4 channels, is refused with a PictureSizeError before memory is
   * taken for it (Node).
   */
  mostPixels?: number | undefined;
}

/** Decodes and encodes pictures. */
export interface Images {
  /**
   * Decodes PNG, JPEG and the like. Palette becomes RGB and alpha is dropped (unless asked for); a grey file stays 1
   * channel. Throws on a damaged file.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): Promise<Picture>;
  /** As decode, but keeps 16 bits, floats and any number of bands. Absent where a runtime cannot. */
  decodeDeep?(bytes: Uint8Array, options?: DecodeOptions): Promise<DeepPicture>;
  /** A PNG with the bits of the picture, 8 or 16. */
  encodePng(picture: Picture<Uint8Array | Uint16Array>): Promise<Uint8Array<ArrayBuffer>>;
}

/** The part of onnxruntime-common that onnxruntime-node and onnxruntime-web share. */
export interface Ort {
  InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  Tensor: TensorConstructor;
}

export type { InferenceSession, Tensor };

/**
 * The processes of one training (node/mpi.ts). All of them have to call each function in the same order; each waits for the
 * others.
 */
export interface Collective {
  /** The number of this process, from 0. The first writes the files of the run. */
  rank: number;
  /** The number of processes. */
  size: number;
  /** The name of the library that connects the processes, for messages. */
  name: string;
  /** Replaces values by their sums over all processes, added in their order. */
  sum(values: Float32Array): void;
  barrier(): void;
  /** Ends all processes. */
  abort(code: number): void;
  /** Ends the connection; no other call may follow. */
  close(): void;
}

export type Tensors = Record<string, Tensor>;

/** Arrays by the names of a session's inputs or outputs, each with its shape. */
export type Placed = Readonly<Record<string, { data: Float32Array; shape: readonly number[] }>>;

/** A session and the arrays that its runs read and write. */
export interface BoundSession {
  run(): Promise<void>;
  /** Frees what was needed to bind them; the session and the arrays stay. */
  release(): void;
}

/** The memory of a runtime that has its own, in which it can compute without copies. */
export interface RuntimeMemory {
  /** Whether a session can be bound. */
  holds(session: InferenceSession): boolean;
  /**
   * An array of zeros. It may lie in memory that threads share, which not everything in a browser takes.
   * @throws DeviceError where the memory has no room
   */
  allocate(length: number): Float32Array;
  /** To be called when no bound session has the array any more. */
  free(array: Float32Array): void;
  /** @param inputs, outputs arrays of `allocate`; one array may be both */
  bind(session: InferenceSession, inputs: Placed, outputs: Placed): BoundSession;
}

/** A compiled kernel in WGSL (Platform.gpuKernel). */
export interface GpuKernel {
  /**
   * @param sets the tensors of each launch, on the device and of one size each; the first is as long as the others
   * @param count of the numbers that a launch takes
   */
  bind(sets: readonly (readonly Tensor[])[], count: number): BoundKernel;
}

/** A kernel and the tensors that it works on. */
export interface BoundKernel {
  /** Launches the kernel once for each set, after everything that was launched before. */
  run(numbers: readonly number[]): void;
  release(): void;
}

/** The runtime that the core runs on. `nodePlatform` and `webPlatform` return one. */
export interface Platform {
  files: Files;
  images: Images;
  ort: Ort;
  /**
   * Runs a session with its outputs in the tensors of `fetches`. `sequenceOutput` is the name of an output that the
   * model must have for this to be fast (EncodeOptions.sequence).
   */
  runInto: {
    (session: InferenceSession, feeds: Tensors, fetches: Tensors): Promise<void>;
    sequenceOutput?: string;
  };
  /** The runtime's own memory, after its first session; absent where runInto copies nothing. */
  runtimeMemory?: (() => Promise<RuntimeMemory | undefined>) | undefined;
  /** Whether sessions on webgpu can capture their kernels (`enableGraphCapture`); onnxruntime-node 1.30 cannot. */
  captures?: boolean | undefined;
  /**
   * Compiles a kernel in WGSL for the GPU on which the runtime computes; absent where its device cannot be reached
   * (Node). To be called after the first session on webgpu: before that the runtime has no device.
   * @param code a compute shader with one entry point. Its bindings of group 0 are tensors (storage, read_write), then one
   *   uniform of float32 values. It takes any number of workgroups of 256.
   */
  gpuKernel?: ((code: string) => Promise<GpuKernel>) | undefined;
  /** Bytes of memory that this process can have; absent where that is unknown. */
  memory?: number | undefined;
  /** The processes that train together; absent where this one trains alone. */
  collective?: Collective | undefined;
  /** Threads that a step uses when `--threads` is not given. */
  cores: number;
  /** The processor's name, where it is known: some forms of ops are chosen by it. */
  processor?: string | undefined;
  /** The device that is always present, for `--device auto` without a GPU. */
  base: "cpu" | "wasm";
  /**
   * The devices that this platform could have (or those of `names`), `base` first, and whether each is present. Looking
   * for an adapter may take a second; with `hardware`, which considers real GPUs only, it is faster. engines/device.ts
   * has the session options of each device.
   */
  devices(names?: readonly DeviceName[], options?: { hardware?: boolean }): Promise<readonly FoundDevice[]>;
}

/** A device: a choice of --device other than auto. */
export type DeviceName = "cpu" | "webgpu" | "cuda" | "wasm";

/** The GPU of a WebGPU device. Limits are in bytes; absent where they are unknown. */
export interface Adapter {
  /** The name that the driver or the system gives it. */
  name: string;
  /** Whether it is emulated on the CPU. */
  software: boolean;
  maxBufferSize?: number | undefined;
  maxStorageBufferBindingSize?: number | undefined;
  /** The measured speed of a matrix product, in GFLOP/s. */
  rate?: number | undefined;
}

/** A device that computes. */
export interface Device {
  name: DeviceName;
  /** The name, followed by that of the adapter where there is one. */
  label: string;
  adapter?: Adapter | undefined;
}

/** The result of looking for a device. */
export interface FoundDevice extends Device {
  present: boolean;
  /** Why it is absent, and how to get it: a clause without a full stop. */
  missing?: string | undefined;
}
