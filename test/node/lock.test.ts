/** Locks between processes: one holder, a holder that was killed, one on another machine. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { holder as holderOf, lock } from "../../src/node/lock.ts";
import { root } from "../paths.ts";
import { workFolder } from "../work-folder.ts";

const work = workFolder("lock");
const what = "The run is being trained";

/** A process that holds the lock until it is killed. */
async function holder(path: string) {
  const script = `
    import { lock } from ${JSON.stringify(join(root, "src/node/lock.ts"))};
    await lock(${JSON.stringify(path)}, "x");
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], { cwd: root });
  child.stderr.on("data", (text) => console.error(String(text)));
  await once(child.stdout, "data");
  return child;
}

describe("lock", () => {
  it("is refused to a second holder, who is told of the first, and given back", async () => {
    const path = join(work, "a/run.lock");
    const release = await lock(path, what);
    await expect(lock(path, what)).rejects.toThrow(
      new RegExp(`^The run is being trained by process ${process.pid} on .+, since .+remove .*run\\.lock\\.$`),
    );
    await release();
    await (await lock(path, what))();
  });

  it("takes the folders with it that it has made, unless something was written there", async () => {
    mkdirSync(join(work, "there"));
    await (await lock(join(work, "there/new/inner/run.lock"), what))();
    expect(readdirSync(join(work, "there"))).toEqual([]);
    const release = await lock(join(work, "there/new/inner/run.lock"), what);
    writeFileSync(join(work, "there/new/results"), "");
    await release();
    expect(readdirSync(join(work, "there/new"))).toEqual(["results"]);
  });

  it("is taken or refused while others take their empty folders with them", async () => {
    const failures: string[] = [];
    const contender = async () => {
      for (let i = 0; i < 100; i++) {
        await lock(join(work, `vanishing/${i}/run/run.lock`), what).then(
          async (release) => {
            await setTimeout(Math.random() * 2);
            await release();
          },
          (error) => failures.push((error as Error).message),
        );
      }
    };
    await Promise.all([contender(), contender(), contender()]);
    expect(failures.filter((message) => !message.startsWith(`${what} by process`))).toEqual([]);
  });

  it("of another process is refused while it lives, and taken at once when it was killed", async () => {
    const path = join(work, "b/run.lock");
    const child = await holder(path);
    await expect(lock(path, what)).rejects.toThrow(`process ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "exit");
    const release = await lock(path, what);
    await release();
    expect(existsSync(path)).toBe(false);
  });

  it("of a process that has ended and that nobody has asked for is taken", async (context) => {
    // A shell that becomes another program never asks for its child.
    const child = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 30"]);
    const [text] = await once(child.stdout, "data");
    const pid = Number(String(text));
    try {
      const state = () => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      if (!existsSync(`/proc/${pid}/stat`)) context.skip("there is no /proc here");
      await expect.poll(state).toBe("Z");
      const path = join(work, "z.lock");
      const release = await lock(path, what);
      const own = JSON.parse(readFileSync(path, "utf8"));
      await release();
      const ticks = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[19];
      writeFileSync(path, JSON.stringify({ ...own, id: "another", pid, ticks }));
      await (await lock(path, what))();
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("of a process whose number another one has got is taken", async () => {
    const path = join(work, "c.lock");
    const release = await lock(path, what);
    const own = JSON.parse(readFileSync(path, "utf8"));
    await release();
    if (own.ticks === "") return; // Start times of processes cannot be read on this system.
    writeFileSync(path, JSON.stringify({ ...own, id: "another", ticks: "1" }));
    await (await lock(path, what))();
  });

  it("of another machine is refused while it gives signs of life, and taken two minutes after the last", async () => {
    const path = join(work, "d.lock");
    writeFileSync(
      path,
      JSON.stringify({ id: "x", pid: 1, host: "elsewhere", space: "other", ticks: "", since: "noon" }),
    );
    await expect(lock(path, what)).rejects.toThrow("by process 1 on elsewhere, since noon");
    const before = Date.now() / 1000 - 121;
    utimesSync(path, before, before);
    await (await lock(path, what))();
  });

  it("one of many that want it at once gets it, also when the holder before is gone", async () => {
    const path = join(work, "e.lock");
    writeFileSync(path, "damaged");
    const before = Date.now() / 1000 - 1000;
    utimesSync(path, before, before);
    const taken = await Promise.allSettled(Array.from({ length: 20 }, () => lock(path, what)));
    expect(taken.filter(({ status }) => status === "fulfilled").length).toBe(1);
    expect(readdirSync(work).filter((name) => name.startsWith("e.lock"))).toEqual(["e.lock"]);
  });

  it("of another machine is named in a folder that cannot be written (skipped where it may not be mounted)", async (context) => {
    const folder = join(work, "shown");
    mkdirSync(folder);
    const mount = (...options: string[]) => execFileSync("mount", [...options, folder], { stdio: "ignore" });
    try {
      mount("-t", "tmpfs", "tmpfs");
    } catch {
      context.skip("mounting a RAM disk is not permitted here");
    }
    try {
      const path = join(folder, "run.lock");
      const other = { pid: 1, host: "elsewhere", since: "noon" };
      writeFileSync(path, JSON.stringify({ id: "x", space: "other", ticks: "", ...other }));
      mount("-o", "remount,ro");
      expect(await holderOf(path)).toEqual({ ...other, here: false });
      await expect(lock(path, what)).rejects.toThrow(/EROFS/);
      mount("-o", "remount,rw");
      utimesSync(path, 1000, 1000);
      mount("-o", "remount,ro");
      expect(await holderOf(path)).toBeUndefined();
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  it.skipIf(process.platform === "win32")("that cannot be written leaves nothing behind", () => {
    // No file may grow, as on a full disk.
    const program = `
      import { files } from ${JSON.stringify(join(root, "src/node/files.ts"))};
      await files.lock(process.argv[1] + "/i.lock", "x").catch((error) => console.log(error.message));`;
    const script = 'ulimit -f 0; exec "$0" --import tsx --input-type=module -e "$1" "$2"';
    const at = join(work, "full");
    const said = execFileSync("bash", ["-c", script, process.execPath, program, at], { cwd: root, encoding: "utf8" });
    expect(said).toMatch(/^cannot lock .*i\.lock: the file is larger than this system allows \(EFBIG\)/);
    expect(existsSync(at)).toBe(false);
  });
});

describe("a machine whose clock is an hour behind that of the file system", () => {
  const behind = () => vi.useFakeTimers({ toFake: ["Date", "setInterval"], now: Date.now() - 3600_000 });
  afterEach(() => vi.useRealTimers());

  it("gives signs of life by the clock of the file system", async () => {
    const path = join(work, "f.lock");
    behind();
    const release = await lock(path, what);
    const content = readFileSync(path, "utf8");
    const earlier = statSync(path).mtimeMs / 1000 - 100;
    utimesSync(path, earlier, earlier);
    vi.advanceTimersByTime(20_000);
    await expect.poll(() => statSync(path).mtimeMs / 1000).toBeGreaterThan(earlier + 99);
    expect(readFileSync(path, "utf8")).toBe(content);
    await release();
  });

  it("leaves the lock alone that another process has taken from it", async () => {
    const path = join(work, "g.lock");
    behind();
    const release = await lock(path, what);
    writeFileSync(path, '{"id":"of another process, and shorter"}');
    utimesSync(path, 1000, 1000);
    vi.advanceTimersByTime(20_000);
    await setTimeout(200);
    await release();
    expect([readFileSync(path, "utf8"), statSync(path).mtimeMs]).toEqual([
      '{"id":"of another process, and shorter"}',
      1_000_000,
    ]);
  });

  it("takes the lock of a holder that is gone, also where a process was killed that wanted to take it", async () => {
    const path = join(work, "h.lock");
    for (const [file, age] of [
      [path, 1000],
      [`${path}.takeover`, 11],
    ] as const) {
      writeFileSync(file, "damaged");
      const written = statSync(file).mtimeMs / 1000 - age;
      utimesSync(file, written, written);
    }
    behind();
    await (await lock(path, what))();
    expect(readdirSync(work).filter((name) => name.startsWith("h.lock"))).toEqual([]);
  }, 10_000);
});
