/** Writes the built-in data set as files, in the layout `folders`. */
import type { Files, Images, Picture } from "../platform.ts";
import { Random } from "../random.ts";
import { drawFacade } from "./facades.ts";

/** Number and size of the facades. */
export interface DemoOptions {
  /** Pairs to train on. */
  train: number;
  /** Pairs to test on, from the same distribution. */
  test: number;
  /** Width and height in pixels. */
  size: number;
  seed: number;
}

/**
 * Writes `train` + `test` pairs as `root`/{trainA,trainB,testA,testB}/facade_0001.png: A the label map, B the photo
 * (direction AtoB). Test pairs follow the training pairs in the same sequence, so the two never share one.
 */
export async function writeDemo(
  { files, images }: { files: Files; images: Images },
  root: string,
  { train, test, size, seed }: DemoOptions,
): Promise<void> {
  const save = async (folder: string, name: string, picture: Picture) =>
    files.write(`${root}/${folder}/${name}.png`, await images.encodePng(picture));
  for (let i = 0; i < train + test; i++) {
    const { label, photo } = drawFacade(new Random(seed, "facade", i), size);
    const [phase, index] = i < train ? ["train", i] : ["test", i - train];
    const name = `facade_${String(index + 1).padStart(4, "0")}`;
    await Promise.all([save(`${phase}A`, name, label), save(`${phase}B`, name, photo)]);
  }
}
