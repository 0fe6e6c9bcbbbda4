import { constants } from "node:buffer";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { files } from "../../src/node/files.ts";
import { workFolder } from "../work-folder.ts";

const root = workFolder("files");
let folders = 0;
function folder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}

test.skipIf(constants.MAX_LENGTH > 2 ** 33)("a file that this Node cannot hold is refused", async () => {
  const path = join(folder(), "state");
  writeFileSync(path, "");
  truncateSync(path, 2 ** 33);
  await expect(files.read(path)).rejects.toThrow(/state: it has 8589934592 bytes, .* Use Node 22 or newer\.$/);
});

describe("write", () => {
  test("text, bytes and a list of bytes; makes folders; leaves nothing else behind", async () => {
    const at = folder();
    await files.write(join(at, "a/b/text.json"), "häuser");
    await files.write(join(at, "a/b/bytes"), new Uint8Array([1, 2, 3]).subarray(1));
    await files.write(join(at, "a/b/parts"), [new Uint8Array([1]), new Uint8Array(0), new Uint8Array([2, 3])]);
    expect(readFileSync(join(at, "a/b/text.json"), "utf8")).toBe("häuser");
    expect([...readFileSync(join(at, "a/b/bytes"))]).toEqual([2, 3]);
    expect([...(await files.read(join(at, "a/b/parts")))]).toEqual([1, 2, 3]);
    expect(readdirSync(join(at, "a/b"))).toEqual(["bytes", "parts", "text.json"]);
  });

  test("a reader always sees one whole content", async () => {
    const path = join(folder(), "x");
    const contents = ["a", "b", "c"].map((letter) => letter.repeat(200_000));
    await files.write(path, contents[0]!);
    const writes = Promise.all([...contents, ...contents].map((content) => files.write(path, content)));
    let writing = true;
    writes.finally(() => {
      writing = false;
    });
    const seen = new Set<string>();
    while (writing) seen.add(Buffer.from(await files.read(path)).toString());
    for (const content of seen) expect(contents.includes(content)).toBe(true);
    await writes;
    expect(readFileSync(path, "utf8")).toBe(contents[2]); // in the order of the calls
    expect(readdirSync(join(path, ".."))).toEqual(["x"]);
  });

  test("a file that another program writes at the same time is named as such", async () => {
    const path = join(folder(), "x");
    const file = await files.create!(path);
    await file.write(new Uint8Array([1]));
    // The other program is done first: it renames the file that both have written.
    renameSync(`${path}.part`, path);
    await expect(file.done()).rejects.toThrow(
      /^cannot write .*x: another program has written the same file at the same time\. Let one of them end/,
    );
    expect([...readFileSync(path)]).toEqual([1]);
  });

  test("a file that another program has replaced is not said to be unchanged", async () => {
    const at = folder();
    writeFileSync(join(at, "x"), "before");
    const failures: string[] = [];
    // Writes to two spellings of a path do not wait for each other, as those of two programs.
    const writer = async (path: string) => {
      for (let i = 0; i < 50; i++) await files.write(path, path).catch(({ message }) => failures.push(message));
    };
    await Promise.all([writer(join(at, "x")), writer(`${at}/./x`)]);
    const overtaken = failures.filter((message) => message.includes("another program has written"));
    expect(overtaken.length).toBeGreaterThan(0);
    expect(overtaken.filter((message) => message.includes("unchanged"))).toEqual([]);
  });

  test("a write that fails half way keeps the old file and removes its own part", () => {
    // `ulimit -f` makes the kernel refuse to let a file grow, at the place where a full disk would.
    const at = folder();
    writeFileSync(join(at, "latest"), "the old one");
    const program = `
      import { files } from ${JSON.stringify(fileURLToPath(new URL("../../src/node/files.ts", import.meta.url)))};
      try { await files.write(process.argv[1] + "/latest", new Uint8Array(4_000_000)); console.log("written"); }
      catch (error) { console.log(error.name + ": " + error.message); }`;
    const tsx = fileURLToPath(new URL("../../node_modules/tsx/dist/esm/index.mjs", import.meta.url));
    const command = `ulimit -f 1000; exec "$0" --import "${tsx}" --input-type=module -e "$1" "$2"`;
    const said = execFileSync("bash", ["-c", command, process.execPath, program, at], { encoding: "utf8" });
    expect(said.trim()).toBe(
      `WriteError: cannot write ${join(at, "latest")}: the file is larger than this system allows (EFBIG).` +
        " The file that was there before is unchanged.",
    );
    expect(readFileSync(join(at, "latest"), "utf8")).toBe("the old one");
    expect(readdirSync(at)).toEqual(["latest"]);
  });

  test("a full disk is told as such", async (context) => {
    if (!existsSync("/dev/full")) context.skip("there is no /dev/full here");
    await expect(files.append("/dev/full", "x".repeat(100_000))).rejects.toThrow(
      "cannot append to /dev/full: the disk is full. Free some space and run the command again (ENOSPC).",
    );
  });

  test("a full disk keeps the old file (a small RAM disk)", async (context) => {
    const disk = folder();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      context.skip("mounting a RAM disk is not permitted here");
    }
    try {
      await files.write(join(disk, "latest"), new Uint8Array(600_000).fill(7));
      await expect(files.write(join(disk, "latest"), new Uint8Array(600_000))).rejects.toThrow(
        `cannot write ${join(disk, "latest")}: the disk is full. Free some space and run the command again (ENOSPC). ` +
          "The file that was there before is unchanged.",
      );
      expect(readFileSync(join(disk, "latest")).every((v) => v === 7)).toBe(true);
      expect(readdirSync(disk)).toEqual(["latest"]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  test("names the path and the reason", async (context) => {
    const at = folder();
    writeFileSync(join(at, "file"), "");
    mkdirSync(join(at, "taken"));
    await expect(files.write(join(at, "file/below"), "x")).rejects.toThrow(
      /cannot write .*file\/below: .*(ENOTDIR|EEXIST)/,
    );
    await expect(files.write(join(at, "taken"), "x")).rejects.toThrow(
      /cannot write .*taken: it is a folder, not a file/,
    );
    expect(readdirSync(at)).toEqual(["file", "taken"]);
    if (process.getuid?.() === 0) context.skip("root may write everywhere: permissions not tried");
    chmodSync(at, 0o500);
    await expect(files.write(join(at, "new"), "x")).rejects.toThrow("permission denied");
  });
});

test("append adds to the end and makes the file and its folder", async () => {
  const path = join(folder(), "logs/loss_log.jsonl");
  await files.append(path, "1\n");
  await files.append(path, "2\n");
  expect(readFileSync(path, "utf8")).toBe("1\n2\n");
});

test("list: sorted by code unit, links followed; undefined where there is no folder", async () => {
  const at = folder();
  for (const name of ["b.png", "B.png", "10.png", "9.png", "ä.png"]) writeFileSync(join(at, name), "");
  mkdirSync(join(at, "train"));
  symlinkSync(join(at, "train"), join(at, "linked"));
  symlinkSync(join(at, "nowhere"), join(at, "broken"));
  expect(await files.list(at)).toEqual([
    { name: "10.png", folder: false },
    { name: "9.png", folder: false },
    { name: "B.png", folder: false },
    { name: "b.png", folder: false },
    { name: "broken", folder: false },
    { name: "linked", folder: true },
    { name: "train", folder: true },
    { name: "ä.png", folder: false },
  ]);
  expect(await files.list(join(at, "none"))).toBeUndefined();
  expect(await files.list(join(at, "9.png"))).toBeUndefined();
});

test("read, exists and remove", async () => {
  const at = folder();
  writeFileSync(join(at, "x"), "1");
  expect(await files.exists(join(at, "x"))).toBe(true);
  expect(await files.exists(at)).toBe(true);
  await files.remove(join(at, "x"));
  await files.remove(join(at, "x"));
  expect(await files.exists(join(at, "x"))).toBe(false);
  await files.write(join(at, "inner/y"), "2");
  await expect(files.remove(join(at, "inner"))).rejects.toThrow(/cannot remove .*inner: .*not empty/);
  await files.remove(join(at, "inner/y"));
  await files.remove(join(at, "inner"));
  expect(readdirSync(at)).toEqual([]);
  await expect(files.read(join(at, "x"))).rejects.toThrow(
    `cannot read ${join(at, "x")}: there is no such file or folder (ENOENT).`,
  );
  await expect(files.read(at)).rejects.toThrow("it is a folder, not a file (EISDIR)");
  // As Node lists it: the bytes are lost.
  writeFileSync(Buffer.concat([Buffer.from(`${at}/`), Buffer.of(0xff, 0x2e, 0x70)]), "1");
  const [listed] = (await files.list(at))!;
  await expect(files.read(join(at, listed!.name))).rejects.toThrow("bytes that are no UTF-8. Rename it (ENOENT).");
});
