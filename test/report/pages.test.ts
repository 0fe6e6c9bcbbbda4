import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ganLosses } from "../../src/nn/losses.ts";
import { lineChart, ticks } from "../../src/report/chart.ts";
import { decimalsOf } from "../../src/report/compare-page.ts";
import { address, count, fixed, html, lines, raw } from "../../src/report/html.ts";
import { inspectPage } from "../../src/report/inspect-page.ts";
import { type ResultRow, resultsPage } from "../../src/report/results-page.ts";
import { type RunPageInfo, runPage } from "../../src/report/run-page.ts";

const updated = new Date("2026-11-23T13:05:00Z");

/** The points of the paths of one class, as [x, y] in the drawing's units. */
function paths(html: string, kind: string): [number, number][][] {
  return [...html.matchAll(new RegExp(`<path class="${kind} tone\\d" d="([^"]*)"`, "g"))].map(([, d]) =>
    d!
      .split(/[ML]/)
      .slice(1)
      .map((pair) => pair.split(" ").map(Number) as [number, number]),
  );
}

describe("numbers as text", () => {
  it("counts and values", () => {
    expect(count(80000)).toBe("80\u2009000");
    expect(count(999)).toBe("999");
    expect(count(1234567)).toBe("1\u2009234\u2009567");
    expect(fixed(1.23456, 2)).toBe("1.23");
    expect(fixed(Number.POSITIVE_INFINITY, 2)).toBe("\u221e");
  });

  it("escapes text and paths", () => {
    expect(`${html`<b>${`<a href="x">&'`}</b>`}`).toBe("<b>&lt;a href=&quot;x&quot;&gt;&amp;&#39;</b>");
    expect(`${html`${address(`a b/50%#1?"'.png`)}`}`).toBe("a%20b/50%25%231%3F%22&#39;.png");
  });
});

describe("html", () => {
  it("escapes every value but HTML, at any depth of a list", () => {
    const items = ["<", 1.5, html`<i>${"&"}</i>`, undefined, ["'", [html`<br>`]]];
    expect(`${html`<p>${items}</p>`}`).toBe("<p>&lt;1.5<i>&amp;</i>&#39;<br></p>");
    expect(`${html`${lines(["<", html`<b>`, 2])}`}`).toBe("&lt;\n<b>\n2");
    expect(`${html`${raw("<script>")}`}`).toBe("<script>");
  });

  it("takes nothing for HTML that only looks like it", () => {
    const likeHtml = { toString: () => "<script>" };
    // @ts-expect-error: an object that is not made by html`` or raw()
    expect(() => html`${likeHtml}`).toThrow(TypeError);
    // @ts-expect-error: a switch is not text
    expect(`${html`${false}`}`).not.toContain("<");
  });
});

describe("ticks", () => {
  it.each<[number, number[]]>([
    [5, [0, 1, 2, 3, 4, 5]],
    [0.97, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [120, [0, 20, 40, 60, 80, 100, 120]],
  ])("to %d", (to, expected) => expect(ticks(0, to, to === 120 ? 6 : 5)).toEqual(expected));

  it("cover any range with few round steps", () => {
    const size = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(size, fc.constant(0)), size, fc.integer({ min: 2, max: 8 }), (below, to, wanted) => {
        const found = ticks(-below, to, wanted);
        const rounding = (to + below) * 1e-6;
        expect(found[0]!).toBeLessThanOrEqual(-below + rounding);
        expect(found[found.length - 1]!).toBeGreaterThanOrEqual(to - rounding);
        expect(found).toContain(0);
        expect(found.length).toBeGreaterThanOrEqual(2);
        expect(found.length).toBeLessThanOrEqual(wanted + 3);
      }),
    );
  });

  it("below 0 are multiples of the step, 0 among them", () => {
    expect(ticks(-0.0005, 0.0012, 5)).toEqual([-0.0005, 0, 0.0005, 0.001, 0.0015]);
    expect(ticks(-7, 0, 5)).toEqual([-8, -6, -4, -2, 0]);
  });
});

describe("lineChart", () => {
  const chart = (y: ArrayLike<number>) =>
    `${lineChart({
      title: "a & b",
      x: Float64Array.from({ length: y.length }, (_, i) => i + 1),
      series: [{ name: "loss", tone: 1, y }],
      xLabel: "step",
      yLabel: "nats",
    })}`;

  it("draws a constant as a level line from the first step to the last", () => {
    const [smooth] = paths(chart(new Float64Array(1000).fill(3)), "smooth");
    expect(new Set(smooth!.map(([, y]) => y)).size).toBe(1);
    const [low] = paths(chart(Float64Array.from({ length: 1000 }, (_, i) => i / 500)), "smooth");
    expect(low![0]![1]).toBeGreaterThan(low![low!.length - 1]![1]);
    expect(low![low!.length - 1]![0]).toBe(520 - 66);
  });

  it("shows values below 0, with a tick at 0", () => {
    const kid = [0.02, 0.004, -0.0004, -0.0005];
    for (const y of [kid, kid.map((value) => -value), kid.slice(2)]) {
      const drawn = chart(y);
      for (const kind of ["smooth", "raw"]) {
        // The plot reaches from 26 to 240 of 280 units.
        for (const [, at] of paths(drawn, kind)[0]!) expect(Math.abs(at - 133)).toBeLessThanOrEqual(107);
      }
      const zero = drawn.match(/<text class="tick end" [^>]* y="([^"]+)">0(\.0+)?<\/text>/);
      const heights = paths(drawn, "raw")[0]!.map(([, at]) => at);
      for (const [i, at] of heights.entries()) expect(at < Number(zero![1]) - 4).toBe(y[i]! > 0);
    }
  });

  it("keeps every chart small and every spike", () => {
    const values = Float64Array.from({ length: 80_000 }, (_, i) => 1 + 0.1 * Math.sin(i));
    values[50_001] = 1.5;
    const html = chart(values);
    expect(paths(html, "raw")[0]!.length).toBeLessThanOrEqual(600);
    expect(paths(html, "smooth")[0]!.length).toBeLessThanOrEqual(600);
    const raw = paths(html, "raw")[0]!;
    const top = raw.reduce((best, point) => (point[1] < best[1] ? point : best));
    const next = Math.min(...raw.filter((point) => point !== top).map(([, y]) => y));
    expect(next - top[1]).toBeGreaterThan(30);
    expect(top[0]).toBeCloseTo(46 + ((520 - 46 - 66) * 50_002) / 80_000, 0);
  });

  it("smooths by the mean of the neighbours", () => {
    const noisy = Float64Array.from({ length: 4000 }, (_, i) => i % 3);
    const [smooth] = paths(chart(noisy), "smooth");
    expect(smooth!).toHaveLength(250);
    const heights = smooth!.map(([, y]) => y);
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(8);
  });

  it("leaves out values that are not finite, and stands with none or one", () => {
    for (const y of [[], [1], [Number.NaN, Number.NaN], [1, Number.NaN, 2, Number.POSITIVE_INFINITY], [0, 0, 0]]) {
      const html = chart(Float64Array.from(y));
      expect(html).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

const run: RunPageInfo = {
  name: "facades <1>",
  state: "training",
  config: [["network", "unet_256 & more"]],
  adversarial: ganLosses.vanilla.chart,
  lambdaL1: 100,
  epoch: 3,
  epochs: 200,
  step: 1200,
  lastStep: 80000,
  secondsPerStep: 0.478,
  secondsLeft: 37666,
  losses: Array.from({ length: 1200 }, (_, i) => ({ step: i + 1, G_GAN: 1, G_L1: 40, D_real: 0.6, D_fake: 0.5 })),
  samples: [1, 2].map((epoch) => ({ epoch, file: `samples/epoch_00${epoch}.png` })),
  updated,
};

/** Nothing that a browser would fetch from elsewhere. */
function expectSelfContained(html: string): void {
  expect(html).not.toMatch(/https?:|<link(?! rel="icon" href="data:,")|@import|url\((?!#)|<script src/);
  expect(html).not.toMatch(/NaN|undefined|\[object/);
}

describe("runPage", () => {
  it("says how far training is, and with what", () => {
    const html = runPage(run);
    expectSelfContained(html);
    expect(html).toContain("<h1>facades &lt;1&gt;</h1>");
    expect(html).toContain("<title>1.5 % facades &lt;1&gt;</title>");
    expect(html).toContain("<dt>epoch</dt><dd>3 of 200</dd>");
    expect(html).toContain("<dt>step</dt><dd>1\u2009200 of 80\u2009000</dd>");
    expect(html).toContain("<dt>time per step</dt><dd>0.478 s</dd>");
    expect(html).toContain("<dt>time left</dt><dd>10h 27m</dd>");
    expect(html).toContain("<dd>unet_256 &amp; more</dd>");
    expect(html).toContain('datetime="2026-11-23T13:05:00.000Z"');
    expect(paths(html, "smooth")).toHaveLength(4);
  });

  it("shows the newest strip first, its pictures named", () => {
    const html = runPage(run);
    expect([...html.matchAll(/<img src="([^"]*)"/g)].map(([, file]) => file)).toEqual([
      "samples/epoch_002.png",
      "samples/epoch_001.png",
    ]);
    expect(html).toContain("<span>input</span><span>output</span><span>target</span>");
  });

  it("reloads itself only while training", () => {
    expect(runPage(run)).toContain("location.reload()");
    expect(runPage(run)).toContain('http-equiv="refresh"');
    for (const state of ["finished", "stopped"] as const) {
      const html = runPage({ ...run, state });
      expect(html).not.toMatch(/reload|http-equiv/);
      expect(html).not.toContain("time left");
      expect(html).toContain(`${state}</span>`);
    }
  });

  it("names the level of a discriminator that cannot tell, by GAN mode", () => {
    expect(runPage(run)).toContain("ln 2 = 0.693: a discriminator");
    const lsgan = runPage({ ...run, adversarial: ganLosses.lsgan.chart });
    expect(lsgan).toContain("0.25: a discriminator");
    expect(lsgan).not.toContain("ln 2");
  });

  it("stands before the first step", () => {
    const html = runPage({
      ...run,
      losses: [],
      samples: [],
      step: 0,
      secondsPerStep: Number.NaN,
      secondsLeft: Number.NaN,
    });
    expectSelfContained(html);
    expect(html).toContain("<dt>time left</dt><dd>unknown</dd>");
  });
});

describe("resultsPage", () => {
  const row = (name: string, l1: number, psnr: number, sharpness: number): ResultRow => {
    const file = (kind: string) => `images/${name}_${kind}.png`;
    return {
      name,
      input: file("input"),
      output: file("output"),
      target: file("target"),
      width: 256,
      height: 256,
      metrics: { l1, psnr, ssim: 0.5, sharpness },
    };
  };
  const rows = [row("one #1", 0.2, 12, 0.5), row("two", 0.4, 16, 1.2)];
  const html = resultsPage({ title: "facades: test", rows, updated });

  it("gives means, best and worst, where sharpness is best near 1", () => {
    expectSelfContained(html);
    const cells = [...html.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<td class="meaning/g)].map(
      ([, label, rest]) => [label, ...[...rest!.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text]) => text)],
    );
    expect(cells).toEqual([
      ["L1", "0.300", "0.200", "0.400"],
      ["PSNR", "14.00 dB", "16.00", "12.00"],
      ["SSIM", "0.500", "0.500", "0.500"],
      ["Sharpness", "0.85", "1.20", "0.50"],
    ]);
  });

  it("shows input, output and target of each image with its metrics, and keys to sort by", () => {
    expect([...html.matchAll(/<img src="([^"]*)"/g)].map(([, file]) => file)).toEqual(
      ["input", "output", "target"]
        .map((kind) => `images/one%20%231_${kind}.png`)
        .concat(["input", "output", "target"].map((kind) => `images/two_${kind}.png`)),
    );
    expect(html).toContain(
      '<article data-l1="0.2" data-psnr="-12" data-ssim="-0.5" data-sharpness="0.5" style="--ratio: 256 / 256">',
    );
    expect(html).toContain('<div data-metric="psnr"><dt>PSNR</dt><dd>12.00 dB</dd></div>');
    expect(html).toContain('<option value="l1 worst">L1, worst first</option>');
  });

  it("leaves figures that are not defined out of its means, and says where and why", () => {
    const equal = { ...row("equal", 0, Number.POSITIVE_INFINITY, 1) };
    const text = resultsPage({ title: "t", rows: [...rows, equal] });
    expect(text).toContain('<td class="mean">14.00 dB</td><td>16.00</td><td>12.00</td>');
    expect(text).toContain("not defined for 1 of 3 images, where the output equals its target");
    expect(text).toContain('data-psnr="-1000000000"');
    expect(resultsPage({ title: "t", rows: [equal] })).toContain('<td class="mean">\u2013</td><td>\u2013</td>');
    for (const page of [text, resultsPage({ title: "t", rows: [equal] })])
      expect(page).not.toMatch(/Infinity|NaN|\u221e/);
  });

  it("stands without images", () => {
    expectSelfContained(resultsPage({ title: "none", rows: [] }));
  });
});

describe("inspectPage", () => {
  const picture = { source: "data:image/png;base64,AAAA", label: "input (A)", width: 50, height: 40 };
  const info = { title: "Pairs of a & b", facts: [["direction", "AtoB"]] as const, leftOut: [], total: 2 };

  it("shows every draw of a pair, each picture with its name, small ones enlarged by a whole factor", () => {
    const html = inspectPage({ ...info, pairs: [{ name: "<x>", draws: [[picture], [picture]] }], updated });
    expectSelfContained(html);
    expect(html).toContain("<title>Pairs of a &amp; b</title>");
    expect([...html.matchAll(/alt="([^"]*)"/g)].map(([, alt]) => alt)).toEqual([
      "input (A) of &lt;x&gt; draw 1",
      "input (A) of &lt;x&gt; draw 2",
    ]);
    expect(html).toContain('style="max-width:150px"');
    expect(html).toContain('width="50" height="40" class="pixels"');
    expect(html).toContain("1 of 2 pairs");
    expect(html).not.toContain("Left out");
  });

  it("names what is left out, and stands without pairs", () => {
    const html = inspectPage({ ...info, leftOut: ["a<b.png: damaged"], pairs: [] });
    expectSelfContained(html);
    expect(html).toContain("<li>a&lt;b.png: damaged</li>");
  });
});

it.each([
  ["small ones are shown with two digits", 0.00021, 0.0003, 3, 5],
  ["large ones with the digits of the figure", 0.2, 0.4, 3, 3],
  ["none at all with the digits of the figure", 0, 0, 3, 3],
  ["tiny ones end somewhere", 1e-12, 2e-12, 2, 6],
])("differences: %s", (_, value, high, digits, expected) => {
  expect(decimalsOf({ value, interval: { low: 0, high } }, digits)).toBe(expected);
});
