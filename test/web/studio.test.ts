/** The studio as a user has it: on arrival, by mouse, touch and keyboard, with pictures from outside, and for screen readers. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { drawFacade } from "../../src/demo/facades.ts";
import { palette } from "../../src/demo/parts.ts";
import { expandWeights } from "../../src/formats/compact.ts";
import { openTranslator } from "../../src/inference/open.ts";
import { images } from "../../src/node/images.ts";
import { nodePlatform } from "../../src/node/index.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";
import { held, inChromium, sharePage } from "./browser/chromium.ts";
import { violationsOf } from "./browser/violations.ts";

const patience = { timeout: 90_000 };
const work = workFolder("studio");

inChromium("the studio", () => {
  let page: Page;
  sharePage({
    use: (opened) => {
      page = opened;
    },
  });

  const rest = async () => {
    // The request for an output is sent in the animation frame after the change.
    await page.waitForTimeout(50);
    await page.locator(".output[aria-busy=false]").waitFor(patience);
  };
  const pixels = async (selector: string): Promise<Picture> => {
    const { width, height, text } = await page
      .locator(selector)
      .first()
      .evaluate((element) => {
        const { width, height } = element as HTMLCanvasElement;
        const { data } = (element as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
        let text = "";
        for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096));
        return { width, height, text: btoa(text) };
      });
    const rgba = Buffer.from(text, "base64");
    return { width, height, channels: 3, data: new Uint8Array(rgba.filter((_, i) => i % 4 !== 3)) };
  };
  const sheet = () => pixels(".sheet canvas");
  const output = () => pixels(".output canvas");
  const colour = ({ width, data }: Picture, x: number, y: number) => [
    ...data.subarray((y * width + x) * 3).subarray(0, 3),
  ];
  /** Drags on the sheet, in shares of its sides. */
  const drag = async (...points: [number, number][]) => {
    await page.locator(".sheet canvas").scrollIntoViewIfNeeded();
    const box = (await page.locator(".sheet canvas").boundingBox())!;
    for (const [i, [x, y]] of points.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  };
  const downloaded = async (act: () => Promise<unknown>) => {
    const [file] = await Promise.all([page.waitForEvent("download", patience), act()]);
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };
  const file = async (name: string, picture: Picture) => {
    writeFileSync(join(work, name), await images.encodePng(picture));
    return join(work, name);
  };
  const upload = (path: string) => page.setInputFiles(".pane input[type=file]", path);

  it("shows a drawn house translated before the runtime is there", async () => {
    const release = await held(page, "**/*.wasm.gz");
    await page.reload();
    await page.locator(".output canvas").waitFor(patience);
    expect(await page.locator(".latency").count()).toBe(0);
    const expected = readFileSync(join(root, "src/app/models/arrival/example_1_output.png"));
    expect((await output()).data).toEqual((await images.decode(expected)).data);
    expect(colour(await sheet(), 1, 1)).toEqual(palette.sky);
    release();
    await rest();
    await page.unrouteAll({ behavior: "wait" });
  });

  it("paints a drawn facade as Node does", async () => {
    await page.getByText("door", { exact: true }).click();
    await drag([0.3, 0.3], [0.5, 0.5]);
    await page.keyboard.press("p");
    await page.getByText("tree", { exact: true }).click();
    await drag([0.7, 0.2], [0.75, 0.3], [0.9, 0.3]);
    await rest();
    const drawing = await sheet();
    expect(colour(drawing, 100, 100)).toEqual(palette.door);
    expect(colour(drawing, 230, 77)).toEqual(palette.tree);

    const models = join(root, "src/app/models");
    mkdirSync(join(work, "arrival"));
    writeFileSync(join(work, "arrival/config.json"), readFileSync(join(models, "arrival/config.json")));
    const weights = "arrival/latest_net_G.safetensors";
    writeFileSync(join(work, weights), expandWeights(readFileSync(join(models, weights)), weights));
    const translator = await openTranslator({ name: "arrival", checkpointsDir: work }, await nodePlatform());
    const expected = await translator.translate(drawing, {}, { preprocess: "none" });
    await translator.close();
    const painted = await output();
    let [most, sum] = [0, 0];
    for (const [i, value] of expected.data.entries()) {
      const apart = Math.abs(value - painted.data[i]!);
      most = Math.max(most, apart);
      sum += apart;
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(sum / painted.data.length).toBeLessThan(0.01);
  });

  it("goes back and forth, fills, erases, picks and clears", async () => {
    const drawn = await sheet();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.keyboard.press("Control+z");
    expect(colour(await sheet(), 100, 100)).not.toEqual(palette.door);
    await page.keyboard.press("Control+Shift+z");
    await page.getByRole("button", { name: "Redo" }).click();
    expect((await sheet()).data).toEqual(drawn.data);
    await page.getByRole("button", { name: "Fill" }).click();
    await drag([100 / 256, 100 / 256]);
    expect(colour(await sheet(), 120, 120)).toEqual(palette.tree);
    await page.keyboard.press("i");
    await drag([0.01, 0.01]);
    expect(await page.locator(".swatch:has(:checked)").textContent()).toBe("sky");
    await page.keyboard.press("e");
    await drag([0.3, 0.4], [0.5, 0.4]);
    expect(colour(await sheet(), 100, 102)).toEqual(palette.sky);
    await page.keyboard.press("Delete");
    expect(new Set((await sheet()).data)).toEqual(new Set([0, 110]));
    await page.keyboard.press("Control+z");
  });

  it("ends a stroke before another action changes the sheet", async () => {
    const canUndo = () => page.getByRole("button", { name: "Undo" }).isEnabled();
    const before = await canUndo();
    const box = (await page.locator(".sheet canvas").boundingBox())!;
    const at = (x: number, y: number) => page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    /** Colours where the stroke begins, and where it goes on after the key. */
    const strokeWith = async (key: string) => {
      await at(0.4, 0.05);
      await page.mouse.down();
      await at(0.5, 0.05);
      await page.keyboard.press(key);
      await at(0.6, 0.1);
      await page.mouse.up();
      const drawn = await sheet();
      return [colour(drawn, 115, 13), colour(drawn, 150, 25)];
    };
    await page.keyboard.press("p");
    await page.keyboard.press("1");
    expect(await strokeWith("Control+z")).toEqual([palette.sky, palette.sky]);
    expect(await canUndo()).toBe(before);
    expect(await strokeWith("r")).toEqual([palette.window, palette.sky]);
    await page.keyboard.press("Control+z");
    expect(colour(await sheet(), 115, 13)).toEqual(palette.sky);
  });

  it("hears its keys while a slider has the focus, and keeps the chosen tool readable under the mouse", async () => {
    await page.getByRole("slider", { name: "Size" }).focus();
    await page.keyboard.press("e");
    const eraser = page.getByRole("button", { name: "Eraser" });
    expect(await eraser.getAttribute("aria-pressed")).toBe("true");
    const look = () => eraser.evaluate((button) => getComputedStyle(button).backgroundColor);
    const apart = await look();
    await eraser.hover();
    expect(await look()).toBe(apart);
  });

  it("is drawn on by the keyboard alone", async () => {
    await page.keyboard.press("Delete");
    // The keyboard goes on from where the mouse is.
    await page.mouse.move(0, 0);
    await page.locator(".sheet canvas").focus();
    await page.keyboard.press("r");
    await page.keyboard.press("1");
    // Held down so long that the key repeats itself.
    await page.keyboard.down(" ");
    await page.keyboard.down(" ");
    await page.keyboard.up(" ");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    await page.keyboard.press(" ");
    const drawing = await sheet();
    expect(colour(drawing, 130, 130)).toEqual(palette.window);
    expect(colour(drawing, 120, 130)).toEqual(palette.sky);
    await rest();
  });

  it("is drawn on by a finger, and a second finger draws nothing", async () => {
    await page.keyboard.press("Delete");
    await page.keyboard.press("p");
    const scrolled = () => page.evaluate(() => scrollY);
    const before = await scrolled();
    const box = (await page.locator(".sheet canvas").boundingBox())!;
    const at = (x: number, y: number, id = 0) => ({ x: box.x + x * box.width, y: box.y + y * box.height, id });
    const client = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...touchPoints: ReturnType<typeof at>[]) =>
      client.send("Input.dispatchTouchEvent", { type, touchPoints });
    await touch("touchStart", at(0.2, 0.5));
    await touch("touchStart", at(0.2, 0.5), at(0.5, 0.9, 1));
    await touch("touchMove", at(0.8, 0.5), at(0.5, 0.8, 1));
    await touch("touchEnd");
    const drawing = await sheet();
    expect(colour(drawing, 128, 128)).toEqual(palette.window);
    expect(colour(drawing, 128, 218)).toEqual(palette.sky);
    expect(await scrolled()).toBe(before);
  });

  it("has the drawing after a reload, and not on a run that takes other pictures", async () => {
    await drag([0.1, 0.6], [0.2, 0.9]);
    await rest();
    const drawn = await sheet();
    const reloaded = async () => {
      await page.reload();
      await page.locator(".output canvas").waitFor(patience);
      await rest();
    };
    await reloaded();
    expect(await sheet()).toEqual(drawn);
    const painted = await output();
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open("pix2pix-studio");
          opening.onsuccess = () => {
            const transaction = opening.result.transaction("drawings", "readwrite");
            transaction.oncomplete = () => resolve();
            const cursor = transaction.objectStore("drawings").openCursor();
            cursor.onsuccess = () => cursor.result?.update({ ...cursor.result.value, takes: "other pictures" });
          };
        }),
    );
    await reloaded();
    expect(await sheet()).not.toEqual(drawn);
    expect(await output()).not.toEqual(painted);
  });

  it("takes another drawing of the data set, with its target and scores", async () => {
    await page.getByRole("button", { name: "Another picture of the data set" }).click();
    await page.locator(".target dd").first().waitFor(patience);
    await rest();
    const [l1, , ssim] = (await page.locator(".target dd").allTextContents()).map(Number.parseFloat);
    expect(l1).toBeLessThan(0.25);
    expect(ssim).toBeGreaterThan(0.5);
    await drag([0.3, 0.3], [0.5, 0.5]);
    expect(await page.locator(".target").count()).toBe(0);
  });

  it("offers the halves of a sheet of two pictures", async () => {
    const { label, photo } = drawFacade(new Random(9, "facade", 0), 128);
    const data = new Uint8Array(128 * 256 * 3);
    for (let y = 0; y < 128; y++) {
      data.set(label.data.subarray(y * 384, (y + 1) * 384), y * 768);
      data.set(photo.data.subarray(y * 384, (y + 1) * 384), y * 768 + 384);
    }
    await upload(await file("pair.png", { width: 256, height: 128, channels: 3, data }));
    await page.getByRole("dialog").waitFor(patience);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Left half" }).click();
    await page.locator(".target dd").first().waitFor(patience);
    const shown = await sheet();
    expect([shown.width, shown.height]).toEqual([256, 256]);
    expect(colour(shown, 3, 3)).toEqual(palette.sky);
  });

  it("keeps the shape of uploaded, dropped and pasted pictures", async () => {
    const wide = await file("wide.png", drawnWide(300, 200));
    await upload(wide);
    await expect.poll(async () => (await sheet()).width, patience).toBe(314);
    await rest();
    expect([(await output()).width, (await output()).height]).toEqual([314, 209]);
    const bytes = readFileSync(await file("tall.png", drawnWide(100, 200))).toString("base64");
    // A phone stores a picture that is higher than wide on its side, and in EXIF how it is turned.
    writeFileSync(join(work, "phone.jpg"), await sharp(wide).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    await upload(join(work, "phone.jpg"));
    await expect.poll(async () => (await sheet()).width, patience).toBe(209);
    await page.keyboard.press("Control+z");
    for (const kind of ["drop", "paste"] as const) {
      await page.keyboard.press("Control+z");
      await page.evaluate(
        ({ bytes, kind }) => {
          const data = new DataTransfer();
          const content = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
          data.items.add(new File([content], "tall.png", { type: "image/png" }));
          const options = { bubbles: true, cancelable: true };
          const event =
            kind === "drop"
              ? new DragEvent("drop", { ...options, dataTransfer: data })
              : new ClipboardEvent("paste", { ...options, clipboardData: data });
          document.querySelector(".bench")!.dispatchEvent(event);
        },
        { bytes, kind },
      );
      await expect.poll(async () => (await sheet()).width, patience).toBe(181);
    }
    await rest();
  });

  it("opens no file in its place that is dropped beside the sheet", async () => {
    const ignored = await page.evaluate(() => {
      const options = { bubbles: true, cancelable: true, dataTransfer: new DataTransfer() };
      const places = ["h1", "header", "body"].map((name) => document.querySelector(name)!);
      return places.filter((place) =>
        ["dragover", "drop"].some((name) => place.dispatchEvent(new DragEvent(name, options))),
      ).length;
    });
    expect(ignored).toBe(0);
  });

  it("saves the output as a PNG", async () => {
    const saved = await downloaded(() => page.keyboard.press("Control+s"));
    expect(saved.name).toBe("tall.png");
    expect((await images.decode(saved.bytes)).data).toEqual((await output()).data);
  });

  it("shows the picture that was given last, though an earlier one takes longer to read", async () => {
    const large = join(work, "large.jpg");
    await sharp({ create: { width: 3000, height: 2000, channels: 3, background: "red" } })
      .jpeg()
      .toFile(large);
    const small = await file("small.png", drawnWide(100, 200));
    const given = [large, small].map((path) => readFileSync(path).toString("base64"));
    const canvas = page.locator(".sheet canvas");
    await page.evaluate((given) => {
      for (const text of given) {
        const data = new DataTransfer();
        const content = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        data.items.add(new File([content], "given.png", { type: "image/png" }));
        const options = { bubbles: true, cancelable: true, dataTransfer: data };
        document.querySelector(".bench")!.dispatchEvent(new DragEvent("drop", options));
      }
    }, given);
    // Reading the large one here, after both, ends after the page has read it.
    await upload(large);
    await expect.poll(() => canvas.evaluate((each: HTMLCanvasElement) => each.width), patience).toBe(314);
    await page.keyboard.press("Control+z");
    expect((await sheet()).width).toBe(181);
    await rest();
  });

  it("wipes between drawing and output, by mouse and keys", async () => {
    await page.keyboard.press("w");
    const line = page.getByRole("slider", { name: "Line between drawing and output" });
    await line.focus();
    await page.keyboard.press("Home");
    expect(await line.inputValue()).toBe("0");
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("button", { name: /Wipe/ }).click();
  });

  it("takes a picture from the camera, whose light then goes out", async () => {
    await page.getByRole("button", { name: "Camera" }).click();
    const shoot = page.getByRole("button", { name: "Take the picture" });
    await expect.poll(() => shoot.isEnabled(), patience).toBe(true);
    await shoot.click();
    await expect.poll(async () => (await sheet()).width / (await sheet()).height, patience).toBeCloseTo(4 / 3, 1);
    expect(await page.locator("video").count()).toBe(0);
    await rest();
  });

  it("names files that are no pictures, and the endings of pictures", async () => {
    const notes = join(work, "notes.txt");
    writeFileSync(notes, "no picture");
    const said = /^notes\.txt is no picture: expected files that end in jpg, .* or npy$/;
    await page.getByRole("button", { name: "Many pictures at once" }).click();
    await page.setInputFiles("dialog input[type=file]", notes);
    await page.locator("dialog .notice").filter({ hasText: said }).waitFor(patience);
    expect(await page.locator("dialog progress").count()).toBe(0);
    expect(await page.locator("dialog input[type=file]").count()).toBe(1);
    await page.keyboard.press("Escape");
    await upload(notes);
    await page.locator(".bench .notice").filter({ hasText: said }).waitFor(patience);
    writeFileSync(join(work, "empty.png"), "");
    await upload(join(work, "empty.png"));
    const empty = /^empty\.png: not a readable picture \(0 bytes\)/;
    await page.locator(".bench .notice").filter({ hasText: empty }).waitFor(patience);
    await upload(await file("square.png", drawnWide(64, 64)));
    await page.locator(".bench .notice").waitFor({ ...patience, state: "detached" });
    await rest();
  });

  it("translates many files into a zip, and names those that it cannot read", async () => {
    const good = await Promise.all([1, 2].map((i) => file(`many_${i}.png`, drawnWide(64, 64))));
    // Of the same name, but for its ending.
    await sharp(good[0]).jpeg().toFile(join(work, "many_1.jpg"));
    writeFileSync(join(work, "broken.png"), "no picture");
    await page.getByRole("button", { name: "Many pictures at once" }).click();
    const zip = await downloaded(() =>
      page.setInputFiles("dialog input[type=file]", [...good, join(work, "many_1.jpg"), join(work, "broken.png")]),
    );
    expect(zip.name).toBe("arrival.zip");
    const entries = unzipSync(new Uint8Array(zip.bytes));
    expect(Object.keys(entries)).toEqual(["many_1.png", "many_2.png", "many_1-2.png"]);
    expect(await images.decode(entries["many_1.png"]!)).toMatchObject({ width: 256, height: 256 });
    await page.locator("dialog .notice").filter({ hasText: "broken.png" }).waitFor(patience);
    await page.keyboard.press("Escape");
  });

  it("a dialog does not block the page to which the user goes back", async () => {
    await page.evaluate(() => location.assign("#/runs"));
    await page.getByRole("heading", { name: "Runs" }).waitFor(patience);
    await page.evaluate(() => location.assign("#/studio"));
    await page.click("#open-model");
    await page.goBack();
    await page.locator("dialog").waitFor({ ...patience, state: "detached" });
    await page.getByRole("link", { name: "Studio" }).click(patience);
    await page.locator(".sheet canvas").waitFor(patience);
  });

  describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
    it("has no violations of accessibility, and fits 390 px", async () => {
      await page.emulateMedia({ colorScheme });
      await page.locator("summary").click();
      expect(await violationsOf(page)).toEqual([]);
      const long = await page.locator(".swatch:has(:checked) .name").evaluate((element) => {
        element.textContent = "background";
        return element.scrollWidth - element.clientWidth;
      });
      expect(long, "pixels of the longest name of a class of the facades that do not show").toBe(0);
      await page.setViewportSize({ width: 390, height: 844 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBe(390);
      expect(await violationsOf(page)).toEqual([]);
      await page.setViewportSize({ width: 1280, height: 860 });
    });
  });
});

/** A house of flat colours, of any size. */
function drawnWide(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const inside = i % width > width / 4 && i % width < (3 * width) / 4 && i > (width * height) / 3;
    data.set(palette[inside ? "brick" : "sky"], i * 3);
  }
  return { width, height, channels: 3, data };
}
