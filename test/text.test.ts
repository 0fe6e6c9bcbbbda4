import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { parseArguments } from "../src/cli/arguments.ts";
import { optionsOf } from "../src/config/options.ts";
import { configSchema } from "../src/config/schema.ts";
import { byteCount, counted, duration, shellOption, translateCommand, visible } from "../src/text.ts";

it("a line for a terminal has control characters as escapes, and keeps every letter", () => {
  expect(visible("a\x1b[31mred\x07\r\x00\x7f\x9b2J\tü \u{1f600} \\x07")).toBe(
    "a\\x1b[31mred\\x07\\r\\x00\\x7f\\x9b2J\\tü \u{1f600} \\x07",
  );
  expect(visible("x\nerror: \x1b]0;title\x07.png")).toBe("x\\nerror: \\x1b]0;title\\x07.png");
});

it("a size is in units of 1000, with one decimal below 10", () => {
  const sizes = {
    0: "0 bytes",
    999: "999 bytes",
    1000: "1.0 kB",
    34560: "35 kB",
    217744000: "218 MB",
    6e12: "6000 GB",
  };
  expect(Object.keys(sizes).map((bytes) => byteCount(Number(bytes)))).toEqual(Object.values(sizes));
});

it.each<[number, string]>([
  [0, "0s"],
  [0.4, "0s"],
  [59.4, "59s"],
  [59.6, "1m"],
  [185, "3m 5s"],
  [3599, "59m 59s"],
  [3600, "1h"],
  [15134, "4h 12m"],
  [86399, "23h 59m"],
  [86430, "1d"],
  [273600, "3d 4h"],
  [864000, "10d"],
  [-3, "0s"],
  [Number.NaN, "unknown"],
  [Number.POSITIVE_INFINITY, "unknown"],
])("a duration of %d seconds is %s", (seconds, text) => expect(duration(seconds)).toBe(text));

it.skipIf(process.platform === "win32")(
  "an option in an advice gives its value back, through a shell and our parser",
  () => {
    const names = ["facades", "a b", "-x", "--ngf", "-x y", "it's", "$HOME", "a/b_1.2", "*"];
    const lines = names.map((name) => `printf '%s\\0' ${shellOption("--name", name)}; echo`).join("\n");
    const words = execFileSync("sh", ["-c", lines], { encoding: "utf8" }).trimEnd().split("\n");
    const parsed = words.map((line) => parseArguments(line.split("\0").slice(0, -1), optionsOf(configSchema)).given);
    expect(parsed).toEqual(names.map((name) => ({ name })));
  },
);

it("the command to translate names instance maps where the run takes them", () => {
  const name = shellOption("--name", "a b");
  expect(translateCommand(name, {})).toBe("npx pix2pix translate --name 'a b' --input FILE|FOLDER --out FOLDER");
  expect(translateCommand(name, { inputInstances: true })).toContain(" --instances FILE|FOLDER --out");
});

it("a count has its noun in the singular after a 1", () => {
  expect([0, 1, 2, 21].map((n) => counted(n, "pair"))).toEqual(["0 pairs", "1 pair", "2 pairs", "21 pairs"]);
});
