/** Messages on the page name neither options nor the browser's storage. */
import { expect, it } from "vitest";
import { pageWords } from "../../src/app/train/words.ts";
import { oddWidth } from "../../src/data/transforms.ts";

it("drops advice for the command line and the folder of the storage", () => {
  expect(pageWords(`data/mine-abc12/train/7.png: ${oddWidth({ width: 63, height: 32 })}.`)).toBe(
    "train/7.png: the width is odd (63x32), so it has no two halves of one size; aligned pictures hold A left and B " +
      "right. Cut it to an even width.",
  );
  expect(pageWords("The weights are not finite. Continue with a smaller --lr, or look for damaged pictures.")).toBe(
    "The weights are not finite.",
  );
  expect(pageWords("Not a picture.")).toBe("Not a picture.");
});
