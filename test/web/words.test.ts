/** Messages on the page name neither options nor the browser's storage. */
import { expect, it } from "vitest";
import { folderWords, pageWords } from "../../src/app/train/words.ts";
import { oddWidth } from "../../src/data/transforms.ts";
import { files } from "../../src/node/files.ts";
import { Run } from "../../src/run/run.ts";

it("drops advice for the command line and the folder of the storage", () => {
  expect(pageWords(`data/mine-abc12/train/7.png: ${oddWidth({ width: 63, height: 32 })}.`)).toBe(
    "train/7.png: the width is odd (63x32), so it has no two halves of one size; aligned pictures hold A left and B " +
      "right. Cut it to an even width.",
  );
  expect(pageWords("The file is damaged. Choose other weights with --epoch.")).toBe("The file is damaged.");
  expect(pageWords("Not a picture.")).toBe("Not a picture.");
});

it("says what to do about a training that has diverged, by the names of the fields", () => {
  const advice = "--clip-grad 1, or look for damaged pictures with pix2pix inspect.";
  expect(pageWords(`Nothing was saved yet: start again with a smaller --lr (now 20), ${advice}`)).toBe(
    "Nothing was saved yet: start again with a smaller \u201clr\u201d (now 20), \u201cclip grad\u201d 1, or look for damaged pictures.",
  );
  expect(
    pageWords(
      `The checkpoint of step 3 is intact in runs/a b #1: continue from it with a smaller --lr (now 20), ${advice}`,
    ),
  ).toBe(
    "The checkpoint of step 3 is intact: continue from it with a smaller \u201clr\u201d (now 20), \u201cclip grad\u201d 1, or look for " +
      "damaged pictures.",
  );
  expect(pageWords("Continue from it with a smaller --lr, or look for damaged pictures (pix2pix inspect).")).toBe(
    "Continue from it with a smaller \u201clr\u201d, or look for damaged pictures.",
  );
});

it("names runs, not their folders in the storage, and says what to do on the page", async () => {
  const deleted = new Run(files, { checkpointsDir: "runs", name: "a b" });
  const message = await deleted.config().then(
    () => "",
    ({ message }: Error) => message,
  );
  expect(message).toMatch(/^There is no run "a b": runs\/a b\/config\.json does not exist\. ./);
  expect(pageWords(message)).toBe('There is no run "a b". It may have been deleted.');
  expect(pageWords("The run runs/my run/2 exists already. Choose another --name, or remove the folder.")).toBe(
    'There is a run "my run/2" already. Delete it on the page Train, or give the new one another name: "Open a model" in ' +
      "the studio asks for it.",
  );
  expect(pageWords("The run runs/a b is being trained in another tab of this page. Stop it there first.")).toBe(
    'The run "a b" is being trained in another tab of this page. Stop it there first.',
  );
  expect(pageWords("runs/a b/latest_net_G.safetensors is damaged: it is empty.")).toBe(
    "latest_net_G.safetensors is damaged: it is empty.",
  );
  expect(pageWords("See runs/a b. It needs a/b.txt.")).toBe("See runs/a b. It needs a/b.txt.");
});

it("names folders as the user does", () => {
  const note =
    "2 of 6 pictures in data/set-abc12 have no partner of the same stem (unaligned). A without B (1): A/B.png. " +
    "B without A (1): B/7.png. Left out; complete pairs: 2.";
  expect(folderWords(pageWords(note), ["sketch", "photo"])).toBe(
    "2 of 6 pictures have no partner of the same stem (unaligned). sketch without photo (1): sketch/B.png. " +
      "photo without sketch (1): photo/7.png. Left out; complete pairs: 2.",
  );
  expect(folderWords("A without B (1): A/x.png.", undefined)).toBe("A without B (1): A/x.png.");
});
