import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { demoSet, drawFacade } from "../../src/demo/facades.ts";
import { palette } from "../../src/demo/parts.ts";
import { writeDemo } from "../../src/demo/write.ts";
import { detail } from "../../src/metrics/pictures.ts";
import { files } from "../../src/node/files.ts";
import { images } from "../../src/node/images.ts";
import type { Picture } from "../../src/platform.ts";
import { Random } from "../../src/random.ts";

const set = demoSet(40, 64, 0);
const color = ({ data, width }: Picture, x: number, y: number) =>
  data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
const kinds = new Map(Object.entries(palette).map(([kind, rgb]) => [rgb.join(), kind]));

/** The classes of a label map, row by row; undefined for a colour that is none. */
const classes = (label: Picture) =>
  Array.from({ length: label.width * label.height }, (_, i) => kinds.get(label.data.subarray(i * 3, i * 3 + 3).join()));

describe("facades", () => {
  it("are the same for the same seed, and a larger set begins with the smaller one", () => {
    expect(demoSet(3, 64, 0)).toEqual(set.slice(0, 3));
    expect(demoSet(1, 64, 1)[0]!.label.data).not.toEqual(set[0]!.label.data);
    expect(new Set(set.map(({ label }) => label.data.join())).size).toBe(set.length);
  });

  it("have labels of flat palette colours only, each with sky or wall, street, windows and a door", () => {
    const seen = new Set<string | undefined>();
    for (const { label } of set) {
      const found = new Set(classes(label));
      for (const kind of found) seen.add(kind);
      expect([...found].filter((kind) => kind === undefined)).toEqual([]);
      for (const kind of ["street", "window", "door", "cornice"]) expect(found).toContain(kind);
      expect(["plaster", "brick", "stone"].some((wall) => found.has(wall))).toBe(true);
    }
    expect([...seen].sort()).toEqual(Object.keys(palette).sort());
  });

  it("have label colours that are far apart", () => {
    const colors = Object.values(palette);
    for (const [i, a] of colors.entries()) {
      for (const b of colors.slice(i + 1)) {
        expect(Math.max(...a.map((value, c) => Math.abs(value - b[c]!)))).toBeGreaterThanOrEqual(60);
      }
    }
  });

  it("show one facade at every size", () => {
    for (const [i, { label }] of set.slice(0, 5).entries()) {
      const large = drawFacade(new Random(0, "facade", i), 128).label;
      let same = 0;
      for (let y = 0; y < 64; y++) {
        for (let x = 0; x < 64; x++) same += color(large, 2 * x, 2 * y).join() === color(label, x, y).join() ? 1 : 0;
      }
      expect(same / 64 ** 2).toBeGreaterThan(0.98);
    }
    for (const size of [32, 100, 256]) {
      const { label, photo } = drawFacade(new Random(0, "facade", 0), size);
      expect([label.width, label.height, label.data.length]).toEqual([size, size, size * size * 3]);
      expect([photo.width, photo.height, photo.data.length]).toEqual([size, size, size * size * 3]);
      expect(classes(label)).not.toContain(undefined);
    }
  });

  it("have photos that follow from the label: alike at one place where the labels around it are alike", () => {
    const reach = 5;
    const around = (label: Picture, x: number, y: number) => {
      const rows: string[] = [];
      for (let j = -reach; j <= reach; j++) {
        rows.push(label.data.subarray(((y + j) * 64 + x - reach) * 3, ((y + j) * 64 + x + reach + 1) * 3).join());
      }
      return rows.join();
    };
    const known = new Map<string, Uint8Array>();
    const distance: number[] = [];
    for (const { label, photo } of set) {
      for (let y = reach; y < 64 - reach; y += 3) {
        for (let x = reach; x < 64 - reach; x += 3) {
          const key = `${x},${y}:${around(label, x, y)}`;
          const before = known.get(key);
          const now = color(photo, x, y);
          if (before) for (let c = 0; c < 3; c++) distance.push(Math.abs(before[c]! - now[c]!));
          else known.set(key, now);
        }
      }
    }
    expect(distance.length).toBeGreaterThan(1000);
    // Two draws of the grain, standard deviation 2 each, differ by 2.3 on average and hardly ever by 12.
    expect(distance.reduce((a, b) => a + b, 0) / distance.length).toBeLessThan(3);
    expect(Math.max(...distance)).toBeLessThan(16);
  });

  it("have photos with more shading and less flat colour than their labels", () => {
    for (const { photo } of set) {
      expect(detail(photo)).toBeGreaterThan(4);
      const mean = photo.data.reduce((a, b) => a + b, 0) / photo.data.length;
      expect(mean).toBeGreaterThan(100);
      expect(mean).toBeLessThan(200);
    }
  });
});

it("writeDemo writes label and photo under one name, and test pairs that are not trained on", async () => {
  const root = await mkdtemp(join(tmpdir(), "demo-"));
  try {
    await writeDemo({ files, images }, root, { train: 3, test: 2, size: 64, seed: 0 });
    expect((await readdir(root)).sort()).toEqual(["testA", "testB", "trainA", "trainB"]);
    for (const folder of ["trainA", "trainB"]) {
      expect((await readdir(join(root, folder))).sort()).toEqual([1, 2, 3].map((i) => `facade_000${i}.png`));
    }
    expect(await readdir(join(root, "testA"))).toEqual(await readdir(join(root, "testB")));
    const read = async (path: string) => images.decode(await readFile(join(root, path)));
    expect((await read("trainA/facade_0002.png")).data).toEqual(set[1]!.label.data);
    expect((await read("trainB/facade_0002.png")).data).toEqual(set[1]!.photo.data);
    expect((await read("testB/facade_0001.png")).data).toEqual(set[3]!.photo.data);
  } finally {
    await rm(root, { recursive: true });
  }
});
