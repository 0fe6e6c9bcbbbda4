/** Reads the pairs of a data set for the audit. */
import type { Pair, Side } from "../../data/layouts.ts";
import { joinPath } from "../../data/listing.ts";
import { halves } from "../../data/transforms.ts";
import { UserError } from "../../errors.ts";
import { exifOrientation } from "../../formats/exif.ts";
import type { DeepPicture, Files, Images, Picture } from "../../platform.ts";

interface Access {
  files: Files;
  images: Images;
}

/** A file that cannot be read as a picture, or cannot be cut into halves. */
export class UnreadableError extends UserError {
  readonly file: string;
  constructor(file: string, message: string) {
    super(message);
    this.file = file;
  }
}

/** Both sides of a pair, in 8 bits. @throws UserError naming the file that cannot be used */
export function readPair({ files, images }: Access, root: string, pair: Pair): Promise<{ A: Picture; B: Picture }> {
  return read(files, root, pair, (bytes) => images.decode(bytes));
}

/** A file with an EXIF orientation other than upright. */
export interface Turned {
  file: string;
  /** 2 to 8, as in `upright`. */
  orientation: number;
}

export interface DeepPair {
  A: DeepPicture;
  B: DeepPicture;
  turned: Turned[];
}

/** Both sides of a pair, in the depth of their files, as stored. @throws UserError naming the file that cannot be used */
export async function readDeepPair({ files, images }: Access, root: string, pair: Pair): Promise<DeepPair> {
  const turned: Turned[] = [];
  const sides = await read(files, root, pair, async (bytes, file) => {
    const picture = await (images.decodeDeep ?? images.decode).call(images, bytes);
    const orientation = exifOrientation(bytes);
    if (orientation !== 1) turned.push({ file, orientation });
    return picture;
  });
  return { ...sides, turned };
}

async function read<Kind extends DeepPicture>(
  files: Files,
  root: string,
  pair: Pair,
  decode: (bytes: Uint8Array, file: string) => Promise<Kind>,
): Promise<{ A: Kind; B: Kind }> {
  const open = async (file: string) => {
    try {
      return await decode(await files.read(joinPath(root, file)), file);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UnreadableError(file, error.message);
    }
  };
  const side = ({ file, half }: Side, picture: Kind): Kind => {
    if (!half) return picture;
    try {
      return halves(picture, file)[half] as Kind;
    } catch (error) {
      throw new UnreadableError(file, (error as Error).message.replace(`${file}: `, ""));
    }
  };
  const first = await open(pair.A.file);
  const second = pair.B.file === pair.A.file ? first : await open(pair.B.file);
  return { A: side(pair.A, first), B: side(pair.B, second) };
}
