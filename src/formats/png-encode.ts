/** Writes PNGs by the specification (https://www.w3.org/TR/png-3/), in one piece or in strips of rows. */
import { UserError } from "../errors.ts";
import type { Picture } from "../platform.ts";
import { crc32 } from "./crc32.ts";
import { checkValues } from "./limits.ts";
import { type Bytes, signature } from "./png.ts";
import { joined } from "./streams.ts";

/** The size of a PNG and the kind of its values. */
export interface PngForm {
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
  channels: number;
  /** Bits per channel. */
  bits: 8 | 16;
}

/** Writes one PNG, strip by strip. It needs the memory of one strip. */
export class PngWriter {
  readonly #form: PngForm;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #deflate = new CompressionStream("deflate");
  readonly #input = this.#deflate.writable.getWriter();
  readonly #packed: Promise<void>;
  /** The last row of the strip before. */
  #above: Uint8Array;

  /**
   * @param write takes the bytes of the file in their order
   * @throws UserError for a number of channels that a PNG cannot have
   */
  constructor(form: PngForm, write: (bytes: Uint8Array) => Promise<void>) {
    checkPngChannels(form.channels);
    this.#form = form;
    this.#write = write;
    this.#above = new Uint8Array((form.width * form.channels * form.bits) / 8);
    this.#packed = this.#pack();
    // A failure is reported by `rows` and `end`.
    this.#packed.catch((error: unknown) => this.#input.abort(error).catch(() => {}));
  }

  /** Appends rows, channels interleaved. Each is stored as its difference from the row above (filter 2). */
  async rows(values: Bytes): Promise<void> {
    const data = values instanceof Uint16Array ? bigEndian(values) : values;
    const length = this.#above.length;
    const count = data.length / length;
    const out = new Uint8Array(count * (length + 1));
    for (let row = 0; row < count; row++) {
      const [to, from] = [row * (length + 1), row * length];
      const above = row === 0 ? this.#above : data.subarray(from - length, from);
      out[to] = 2;
      for (let i = 0; i < length; i++) out[to + 1 + i] = data[from + i]! - above[i]!;
    }
    this.#above = data.slice(data.length - length);
    for (let at = 0; at < out.length; at += pieceBytes) await this.#pass(out.subarray(at, at + pieceBytes));
  }

  /** Ends the file, after all rows. */
  async end(): Promise<void> {
    this.#input.close().catch(() => {});
    await this.#packed;
    await this.#write(chunk("IEND"));
  }

  async #pass(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await Promise.race([this.#input.ready, this.#packed]);
    this.#input.write(bytes).catch(() => {});
  }

  async #pack(): Promise<void> {
    const { width, height, channels, bits } = this.#form;
    const header = new Uint8Array(13);
    const view = new DataView(header.buffer);
    view.setUint32(0, width);
    view.setUint32(4, height);
    header.set([bits, colourTypes[channels]!], 8);
    await this.#write(Uint8Array.from(signature));
    await this.#write(chunk("IHDR", header));
    let parts: Uint8Array[] = [];
    let length = 0;
    const reader = this.#deflate.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (value) {
        parts.push(value);
        length += value.length;
      }
      if (length >= pieceBytes || (done && length > 0)) {
        await this.#write(chunk("IDAT", joined(parts)));
        parts = [];
        length = 0;
      }
      if (done) return;
    }
  }
}

/** @throws UserError for a number of channels that a PNG cannot have */
export function checkPngChannels(channels: number): void {
  if (colourTypes[channels] === undefined) throw new UserError(`A PNG has 1 to 4 channels, got ${channels}.`);
}

const colourTypes: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

/** Bytes of a chunk of picture data, and bytes that are compressed at a time. */
const pieceBytes = 2 ** 20;

/** Encodes 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels without loss, with 8 or 16 bits as the values have. */
export async function encodePng({ width, height, channels, data }: Picture<Bytes>): Promise<Uint8Array<ArrayBuffer>> {
  checkValues("encodePng", { width, height, channels, data });
  const parts: Uint8Array[] = [];
  const bits = data instanceof Uint16Array ? 16 : 8;
  const writer = new PngWriter({ width, height, channels, bits }, async (bytes) => void parts.push(bytes));
  await writer.rows(data);
  await writer.end();
  return joined(parts);
}

function bigEndian(values: Uint16Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(values.length * 2);
  const view = new DataView(out.buffer);
  for (const [i, v] of values.entries()) view.setUint16(i * 2, v);
  return out;
}

function chunk(name: string, content = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc32(bytes.subarray(4, content.length + 8)));
  return bytes;
}
