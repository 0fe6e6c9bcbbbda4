/** Files that are chosen or dropped in the studio. */
import { expect, it } from "vitest";
import { notPictures, splitFiles } from "../../src/app/studio/incoming.ts";

const file = (name: string, type = "") => new File(["content"], name, { type });

it("are pictures by their type or their ending; the others are named, with the endings that are read", () => {
  const pictures = [file("a.png", "image/png"), file("b.PGM"), file("c.npy"), file("camera", "image/jpeg")];
  const others = [file("notes.txt", "text/plain"), file("paper.pdf", "application/pdf"), file("folder")];
  expect(splitFiles([others[0]!, ...pictures, ...others.slice(1)])).toEqual({ pictures, others });
  const read = "expected files that end in jpg, jpeg, png, webp, bmp, gif, pbm, pgm, ppm or npy";
  expect(notPictures(others.slice(0, 1))).toBe(`notes.txt is no picture: ${read}`);
  expect(notPictures(others)).toBe(`notes.txt, paper.pdf and folder are no pictures: ${read}`);
  const many = Array.from({ length: 8 }, (_, i) => file(`${i}.txt`));
  expect(notPictures(many)).toBe(`0.txt, 1.txt, 2.txt and 5 other files are no pictures: ${read}`);
});
