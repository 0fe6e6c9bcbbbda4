/** Maps of whole pictures that are kept between the stages of a generator in tiles: in memory, or in a scratch file. */
import type { Scratch } from "../../platform.ts";
import { copyPart, type Planes, type Rectangle } from "./geometry.ts";

export interface MapSize {
  planes: number;
  height: number;
  width: number;
}

/** A map of a whole picture, which is written and read in parts. Positions are those of the map. */
export interface KeptMap {
  /** Copies `part` of a tile to (y, x). */
  write(tile: Planes, part: Rectangle, at: { y: number; x: number }): Promise<void>;
  /** Fills `values` with [planes, height, width] of a part. */
  read(part: Rectangle, values: Float32Array): Promise<void>;
  /** Frees memory or disk. */
  close(): Promise<void>;
}

/** Bytes of a map of 32-bit floats. */
export const bytesOf = ({ planes, height, width }: MapSize): number => 4 * planes * height * width;

export class MemoryMap implements KeptMap {
  readonly #whole: Planes;

  constructor(size: MapSize) {
    this.#whole = { ...size, data: new Float32Array(size.planes * size.height * size.width) };
  }

  async write(tile: Planes, part: Rectangle, at: { y: number; x: number }): Promise<void> {
    copyPart(tile, part, this.#whole, at);
  }

  async read(part: Rectangle, data: Float32Array): Promise<void> {
    copyPart(this.#whole, part, { data, ...part }, { y: 0, x: 0 });
  }

  async close(): Promise<void> {}
}

/** A map in a file, in square blocks [planes, side, side]: a tile is read in few pieces, however wide the picture is. */
export class FileMap implements KeptMap {
  readonly #file: Scratch;
  readonly #size: MapSize;
  readonly #side: number;
  readonly #block: Planes;

  constructor(file: Scratch, size: MapSize, side: number) {
    this.#file = file;
    this.#size = size;
    this.#side = side;
    const values = new Float32Array(size.planes * side * side);
    this.#block = { data: values, planes: size.planes, height: side, width: side };
  }

  async write(tile: Planes, part: Rectangle, at: { y: number; x: number }): Promise<void> {
    for (const { offset, inside, block } of this.#blocks({ ...part, ...at })) {
      const from = { ...inside, y: part.y + inside.y - at.y, x: part.x + inside.x - at.x };
      const whole = inside.height === this.#side && inside.width === this.#side;
      if (!whole) await this.#file.read(offset, bytes(this.#block.data));
      copyPart(tile, from, this.#block, block);
      await this.#file.write(offset, bytes(this.#block.data));
    }
  }

  async read(part: Rectangle, data: Float32Array): Promise<void> {
    for (const { offset, inside, block } of this.#blocks(part)) {
      await this.#file.read(offset, bytes(this.#block.data));
      const to = { y: inside.y - part.y, x: inside.x - part.x };
      copyPart(this.#block, { ...inside, ...block }, { data, ...part }, to);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The blocks that a part of the map touches: what of the part lies `inside`, and where in the `block` that is. */
  *#blocks({ y, x, height, width }: Rectangle) {
    const side = this.#side;
    const across = Math.ceil(this.#size.width / side);
    for (let row = Math.floor(y / side); row * side < y + height; row++) {
      for (let column = Math.floor(x / side); column * side < x + width; column++) {
        const [top, left] = [Math.max(y, row * side), Math.max(x, column * side)];
        const [bottom, right] = [Math.min(y + height, (row + 1) * side), Math.min(x + width, (column + 1) * side)];
        yield {
          offset: (row * across + column) * this.#block.data.byteLength,
          inside: { y: top, x: left, height: bottom - top, width: right - left },
          block: { y: top - row * side, x: left - column * side },
        };
      }
    }
  }
}

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
