/** Reads a pair's files into two pictures of one size, with the channels that the networks take. */
import { DatasetError, messageOf } from "../errors.ts";
import type { DeepPicture, Files, Images } from "../platform.ts";
import { classNumbers, withInstances } from "./labels.ts";
import type { Pair, Side } from "./layouts.ts";
import { type Filter, resize } from "./resize.ts";
import { filterOf, neededOf, type SideForm, type SideOptions, sideForms } from "./sides.ts";
import { pairSize, type Size, type SizeOptions } from "./sizes.ts";
import { halves, oddWidth } from "./transforms.ts";
import { linearAt, nearestAt, type Places } from "./warp.ts";

export interface ReaderOptions extends SizeOptions, SideOptions {
  resizeFilter: Filter;
  /** Accept pairs without a target (layout `single`); their batches have an empty B. */
  withoutTargets?: boolean | undefined;
}

/** A pair after the steps that need no random draw: decoded, reduced to its channels and resized. */
export interface Prepared {
  pair: Pair;
  input: DeepPicture;
  /** The same object as `input` where both sides come from one picture; absent where there is no target. */
  target?: DeepPicture | undefined;
}

/** An existing file that cannot be decoded, or an aligned picture of odd width, which has no two equal halves. */
export class BadImage extends DatasetError {
  readonly file: string;
  readonly reason: string;

  constructor(file: string, reason: string) {
    super(`${file}: ${reason}.`);
    this.file = file;
    this.reason = reason;
  }
}

/** @throws DatasetError for pairs without targets, and for two pictures where lightness and colours are those of one */
export function checkPairs(pairs: readonly Pair[], options: ReaderOptions): void {
  if (!options.withoutTargets && pairs.some(({ B }) => B.derive === "absent")) {
    throw new DatasetError(
      "the pictures have no targets (--dataset-mode single), but pairs are needed. Use the layout of your pairs, or " +
        "pix2pix translate for pictures alone.",
    );
  }
  const { input } = sideForms(options);
  const other = pairs.find(({ A, B }) => A.file !== B.file || A.half);
  if (other && (input.derive === "L" || input.derive === "ab")) {
    const { A, B } = other;
    throw new DatasetError(
      `lightness and colours are those of one picture (--dataset-mode ${options.datasetMode}), but the pair ` +
        `"${other.name}" has two: ${A.half ? `halves of ${A.file}` : `${A.file} and ${B.file}`}. Give a folder of ` +
        "plain pictures, and no other layout.",
    );
  }
}

export class PairReader {
  readonly #options: ReaderOptions;
  readonly #files: Files;
  readonly #decode: (bytes: Uint8Array, options?: { alpha?: boolean }) => Promise<DeepPicture>;
  readonly #forms: { input: SideForm; target: SideForm };

  constructor(options: ReaderOptions, { files, images }: { files: Files; images: Images }) {
    this.#options = options;
    this.#files = files;
    this.#decode = (images.decodeDeep ?? images.decode).bind(images);
    this.#forms = sideForms(options);
  }

  /** The form of a pair's input and target. A derivation of the pair's own sides takes precedence over that of the options. */
  formsOf(pair: Pair): { input: SideForm; target: SideForm } {
    const { input, target } = this.#forms;
    const [first, second] = this.#sides(pair);
    return {
      input: { ...input, derive: first.derive ?? input.derive },
      target: { ...target, derive: second.derive ?? target.derive },
    };
  }

  /** @throws BadImage for a file that cannot be decoded or halved, DatasetError for sizes or channels that cannot be used */
  async read(pair: Pair): Promise<Prepared> {
    const forms = this.formsOf(pair);
    const [first, second] = this.#sides(pair);
    const { resizeFilter } = this.#options;
    if (forms.target.derive === "absent") {
      const input = await this.#input(await this.#side(first), forms.input, pair, first.file);
      const { width, height } = pairSize(input, input, [first, first], this.#options);
      return { pair, input: resize(input, width, height, filterOf(forms.input, resizeFilter)) };
    }
    const [a, b] = await (first.file === second.file
      ? this.#picture(first.file).then((picture) => [half(picture, first), half(picture, second)] as const)
      : Promise.all([this.#side(first), this.#side(second)]));
    const input = await this.#input(a, forms.input, pair, first.file);
    const target = neededOf(b, forms.target, second.file);
    const { width, height } = pairSize(input, target, [first, second], this.#options);
    const resized = resize(input, width, height, filterOf(forms.input, resizeFilter));
    return { pair, input: resized, target: input === target ? resized : resize(target, width, height, resizeFilter) };
  }

  /** The channels of the input that its form needs, with the object numbers of its instance map where the form has edges. */
  async #input(picture: DeepPicture, form: SideForm, { instances }: Pair, file: string): Promise<DeepPicture> {
    if (!form.edges || instances === undefined) return neededOf(picture, form, file);
    const numbers = classNumbers(picture, form.labels!, file);
    return withInstances(numbers, await this.#picture(instances, true), [file, instances]);
  }

  /** The size of a pair's input in its file, before it is resized. @throws BadImage as `read` */
  async inputSize(pair: Pair): Promise<Size> {
    const [first] = this.#sides(pair);
    const { width, height } = await this.#side(first);
    return { width, height };
  }

  /** Input and target. */
  #sides({ A, B }: Pair): [Side, Side] {
    return this.#options.direction === "AtoB" ? [A, B] : [B, A];
  }

  async #side(side: Side): Promise<DeepPicture> {
    return half(await this.#picture(side.file), side);
  }

  async #picture(file: string, needsAlpha = false): Promise<DeepPicture> {
    const bytes = await this.#files.read(file);
    try {
      const alpha = needsAlpha || this.#options.inputNc % 2 === 0 || this.#options.outputNc % 2 === 0;
      return await this.#decode(bytes, { alpha });
    } catch (error) {
      throw new BadImage(file, messageOf(error).replace(/\.$/, ""));
    }
  }
}

function half(picture: DeepPicture, { file, half: which }: Side): DeepPicture {
  if (which === undefined) return picture;
  if (picture.width % 2 !== 0) throw new BadImage(file, oddWidth(picture));
  return halves(picture, file)[which];
}

/** Both sides of a pair, read at these places. Class numbers come from the nearest pixel, because mixtures would be other classes. */
export function warpedPair(pair: Prepared, forms: { input: SideForm }, places: Places): Prepared {
  const { input, target } = pair;
  const moved = (forms.input.labels === undefined ? linearAt : nearestAt)(input, places);
  if (!target) return { ...pair, input: moved };
  return { ...pair, input: moved, target: target === input ? moved : linearAt(target, places) };
}
