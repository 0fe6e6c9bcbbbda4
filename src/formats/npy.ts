/**
 * Pictures as NumPy arrays, for values that picture files cannot hold: any number of channels, 8 bits, 16 bits or
 * floats. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
 */
import { UserError } from "../errors.ts";
import type { DeepPicture, Samples } from "../platform.ts";
import { joined } from "./streams.ts";

const magic = "\x93NUMPY";
/** A last axis with more elements is assumed not to be the channels. */
const mostChannels = 64;

export function isNpy(bytes: Uint8Array): boolean {
  return [...magic].every((character, i) => bytes[i] === character.charCodeAt(0));
}

const kinds: Record<string, { size: number; read(buffer: ArrayBuffer): Samples }> = {
  "|u1": { size: 1, read: (buffer) => new Uint8Array(buffer) },
  "<u2": { size: 2, read: (buffer) => new Uint16Array(buffer) },
  "<f4": { size: 4, read: (buffer) => new Float32Array(buffer) },
};

/**
 * Decodes an array of height x width or height x width x channels, of uint8, uint16 or float32 (in [-1, 1]; see
 * checkRange), in C order and little-endian. One channel is grey, three are RGB, any other number are bands.
 * @throws UserError that names what the file holds instead
 */
export function decodeNpy(bytes: Uint8Array): DeepPicture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6] ?? 0;
  const start = major === 1 ? 10 : 12;
  if (!isNpy(bytes) || bytes.length < start) throw new UserError(`not a .npy file (${bytes.length} bytes)`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const kind = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  if (major < 1 || major > 3 || shape === undefined || !fortran) throw new UserError("a damaged .npy header");
  const known = kinds[kind ?? ""];
  if (!known) {
    throw new UserError(
      `.npy of uint8, uint16 or float32 is expected, little-endian, got ${kind ? `"${kind}"` : "a structure"}; ` +
        "convert it, for example with array.astype(numpy.float32)",
    );
  }
  if (fortran === "True") {
    throw new UserError(".npy in C order is expected, got Fortran order; save numpy.ascontiguousarray(array)");
  }
  const sides = shape.split(",").flatMap((text) => (text.trim() === "" ? [] : Number(text)));
  const [height = 0, width = 0, channels = 1] = sides;
  if (sides.length < 2 || sides.length > 3 || sides.includes(0)) {
    throw new UserError(
      `.npy of height x width or height x width x channels is expected, got ${sides.length} axes, (${sides.join(", ")})`,
    );
  }
  if (channels > mostChannels) {
    const turned = height <= mostChannels ? "; is it channels x height x width? Save array.transpose(1, 2, 0)" : "";
    throw new UserError(
      `.npy of height x width x channels has at most ${mostChannels} channels, got (${sides.join(", ")})${turned}`,
    );
  }
  const from = start + length;
  const size = height * width * channels * known.size;
  if (bytes.length - from !== size) {
    throw new UserError(`.npy of (${sides.join(", ")}) needs ${size} bytes of values, got ${bytes.length - from}`);
  }
  const data = known.read(new Uint8Array(bytes.subarray(from)).buffer); // a copy: aligned, also of Node's Buffers
  if (data instanceof Float32Array) checkRange(data);
  return { width, height, channels, data, ...(channels !== 1 && channels !== 3 && { bands: true }) };
}

/**
 * Checks floats, which are passed to the networks unscaled.
 * @throws UserError for values outside of [-1, 1] and for NaN
 */
export function checkRange(data: Float32Array): void {
  let [least, most] = [Infinity, -Infinity];
  let numbers = true;
  for (const v of data) {
    if (v < least) least = v;
    if (v > most) most = v;
    if (Number.isNaN(v)) numbers = false;
  }
  if (numbers && least >= -1 && most <= 1) return;
  const found = numbers ? `${least.toPrecision(6)} to ${most.toPrecision(6)}` : "values that are not numbers (NaN)";
  throw new UserError(`floats are expected in [-1, 1], as the networks see them, got ${found}; scale them first`);
}

/** Encodes an array of height x width x channels, or of height x width for one channel. */
export function encodeNpy(picture: DeepPicture): Uint8Array {
  const { data } = picture;
  const kind = data instanceof Uint8Array ? "|u1" : data instanceof Uint16Array ? "<u2" : "<f4";
  return joined([npyHead(picture, kind), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** The bytes before the values of such an array. */
export function npyHead(
  { width, height, channels }: Pick<DeepPicture, "width" | "height" | "channels">,
  kind: "|u1" | "<u2" | "<f4",
): Uint8Array {
  const shape = channels === 1 ? `${height}, ${width}` : `${height}, ${width}, ${channels}`;
  const text = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${shape}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = `${magic}\x01\x00${String.fromCharCode(length & 255, length >> 8)}${text.padEnd(length - 1)}\n`;
  return Uint8Array.from(head, (character) => character.charCodeAt(0));
}
