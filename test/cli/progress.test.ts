import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Bytes, Counter, epochLine, Progress, plainLine, progressLine } from "../../src/cli/progress.ts";

beforeEach(() => void vi.stubEnv("TERM", "xterm"));
afterEach(() => void vi.unstubAllEnvs());

const report = {
  epoch: 3,
  epochs: 200,
  step: 1203,
  lastStep: 80000,
  losses: { G_GAN: 1.9213, G_L1: 32.113, D_real: 0.41, D_fake: 0.38 },
  lr: 0.0002,
  seconds: 0.3832,
  imagesPerSecond: 2.6098,
  secondsLeft: 15134,
};

/** A terminal of `columns`, or a pipe; `rows` are what one would see on it. */
function screen(columns?: number) {
  const rows = [""];
  let column = 0;
  const put = (character: string) => {
    const row = rows.pop() ?? "";
    if (character === "\x1b[K") rows.push(row.slice(0, column));
    else if (character === "\r" || character === "\n") {
      rows.push(row, ...(character === "\n" ? [""] : []));
      column = 0;
    } else rows.push(row.slice(0, column) + character + row.slice(++column));
  };
  const write = (text: string) => {
    for (const [i, part] of text.split("\x1b[K").entries()) {
      if (i > 0) put("\x1b[K");
      for (const character of part) put(character);
    }
  };
  return { isTTY: columns !== undefined, columns, write, rows: () => rows };
}

describe("a training step", () => {
  it("is one line on a terminal", () => {
    expect(progressLine(report)).toBe(
      "epoch 3/200  step 1203/80000  2.61 images/s  4h 12m left  G_GAN 1.92  G_L1 32.1  D_real 0.410  D_fake 0.380",
    );
  });

  it("loses whole parts in fewer columns: speed, epoch, time, then the last losses", () => {
    expect([79, 65, 59, 40, 20, 14].map((width) => progressLine(report, width))).toEqual([
      "step 1203/80000  4h 12m left  G_GAN 1.92  G_L1 32.1  D_real 0.410  D_fake 0.380",
      "step 1203/80000  4h 12m left  G_GAN 1.92  G_L1 32.1  D_real 0.410",
      "step 1203/80000  G_GAN 1.92  G_L1 32.1  D_real 0.410",
      "step 1203/80000  G_GAN 1.92  G_L1 32.1",
      "step 1203/80000",
      "G_GAN 1.92",
    ]);
  });

  it("is a line like upstream's elsewhere", () => {
    expect(plainLine(report)).toBe(
      "(epoch: 3/200, step: 1203/80000, time: 0.383, images/s: 2.61, left: 4h 12m) " +
        "G_GAN: 1.921 G_L1: 32.113 D_real: 0.410 D_fake: 0.380",
    );
  });
});

describe("an epoch", () => {
  const epoch = {
    epoch: 3,
    epochs: 200,
    seconds: 161.2,
    lr: 0.0002,
    losses: report.losses,
    lossG: 34.034,
    lossD: 0.395,
  };

  it("is a line with its time, the total losses and the means of all", () => {
    expect(epochLine(epoch)).toBe(
      "epoch 3/200 done in 2m 41s: loss_G 34.0, loss_D 0.395 (means: G_GAN 1.92, G_L1 32.1, D_real 0.410, D_fake 0.380)",
    );
    expect(epochLine({ ...epoch, losses: { G_L1: 32.113 }, lossG: 32.113, lossD: undefined })).toBe(
      "epoch 3/200 done in 2m 41s: loss_G 32.1 (means: G_L1 32.1)",
    );
  });
});

describe("progress", () => {
  it("redraws one row of a terminal, keeps messages, and never wraps", () => {
    const terminal = screen(60);
    const progress = new Progress(terminal, 100);
    progress.line("netG    unet_256");
    progress.step({ ...report, step: 1 });
    progress.step({ ...report, step: 2 });
    progress.line("epoch 1: saved");
    progress.step({ ...report, step: 3 });
    progress.end();
    const line = (step: number) => progressLine({ ...report, step }, 59);
    expect(terminal.rows()).toEqual(["netG    unet_256", "epoch 1: saved", line(3), ""]);
  });

  it("shows control characters of a message as escapes", () => {
    const pipe = screen();
    new Progress(pipe, 2).line("left out: a\x1b[2Jb\n\x07.png");
    expect(pipe.rows()).toEqual(["left out: a\\x1b[2Jb\\n\\x07.png", ""]);
  });

  it("prints every printFreq steps where there is no terminal, and the last step once", () => {
    for (const last of [5, 6]) {
      const pipe = screen();
      const progress = new Progress(pipe, 2);
      for (let step = 1; step <= last; step++) progress.step({ ...report, step });
      progress.end();
      progress.end();
      const steps = pipe.rows().map((row) => Number(/step: (\d+)/.exec(row ?? "")?.[1]));
      expect(steps.slice(0, -1)).toEqual(last === 5 ? [2, 4, 5] : [2, 4, 6]);
    }
  });

  it("says nothing when no step was taken", () => {
    const pipe = screen();
    new Progress(pipe, 2).end();
    expect(pipe.rows()).toEqual([""]);
  });
});

describe("a counter", () => {
  it("counts on a terminal and leaves nothing behind; a pipe gets nothing", () => {
    const [terminal, pipe] = [screen(80), screen()];
    for (const on of [terminal, pipe]) {
      const counter = new Counter(on, 3, "pictures");
      counter.done();
      counter.done();
      if (on === terminal) expect(terminal.rows()[0]).toMatch(/^2\/3 pictures {2}\S+ s each {2}\S+ left$/);
      counter.clear();
    }
    expect(terminal.rows()).toEqual([""]);
    expect(pipe.rows()).toEqual([""]);
  });

  it("shows the total before the first piece, and prints a line from time to time where there is no terminal", () => {
    const terminal = screen(80);
    const pipe = screen();
    new Counter(terminal, 9, "pairs").start();
    expect(terminal.rows()).toEqual(["0/9 pairs"]);
    let now = 0;
    const counter = new Counter(pipe, 12, "pairs", () => now);
    counter.start();
    for (let i = 0; i < 12; i++) {
      now += 1000;
      counter.done();
    }
    expect(pipe.rows()).toEqual(["5/12 pairs  1.0 s each  7s left", "10/12 pairs  1.0 s each  2s left", ""]);
  });

  it("tells the time left within a long piece once a hundredth of it is done", () => {
    let now = 0;
    const pipe = screen();
    const counter = new Counter(pipe, 1, "pictures", () => now);
    for (const [seconds, share] of [
      [6, 0.0001],
      [12, 0.25],
    ] as const) {
      now = 1000 * seconds;
      counter.within(share);
    }
    expect(pipe.rows()).toEqual(["0/1 pictures  0 % of the next", "0/1 pictures  25 % of the next  36s left", ""]);
  });
});

describe("a download", () => {
  it("shows bytes, speed and time left on a terminal, and prints them from time to time where there is none", () => {
    for (const columns of [80, undefined]) {
      let now = 0;
      const on = screen(columns);
      const bytes = new Bytes(on, () => now);
      expect(bytes.place()).toBe("before the first byte");
      for (now = 0; now <= 6000; now += 500) bytes.show(2e6 + 1000 * now, 12e6);
      if (columns) expect(on.rows()).toEqual(["8.0/12.0 MB  66 %  1.0 MB/s  4s left"]);
      bytes.clear();
      expect(on.rows()).toEqual(columns ? [""] : ["7.0/12.0 MB  58 %  1.0 MB/s  5s left", ""]);
      expect(bytes.place()).toBe("after 8.0 of 12.0 MB");
      expect(bytes.summary()).toBe("8.0 MB fetched (2.0 MB of them earlier)");
    }
  });
});

it("a terminal that cannot redraw a line gets what a pipe gets", () => {
  vi.stubEnv("TERM", "dumb");
  const written = [true, false].map((isTTY) => {
    const parts: string[] = [];
    let now = 0;
    const on = { isTTY, columns: 80, write: (part: string) => parts.push(part) };
    const progress = new Progress(on, 2);
    for (let step = 1; step <= 3; step++) progress.step({ ...report, step });
    progress.line("epoch 1: saved");
    progress.end();
    const counter = new Counter(on, 3, "pictures", () => now);
    counter.start();
    for (now = 4000; now <= 12000; now += 4000) counter.done();
    counter.clear();
    return parts.join("");
  });
  expect(written[0]).toBe(written[1]);
  expect(written[0]).toContain("2/3 pictures  4.0 s each  4s left\n");
  expect(["\r", "\x1b"].filter((code) => written[0]?.includes(code))).toEqual([]);
});
