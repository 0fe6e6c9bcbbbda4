import { expect, it } from "vitest";
import { commandHelp } from "../../src/cli/help.ts";
import { commands } from "../../src/cli/registry.ts";
import { optionsOf } from "../../src/config/options.ts";

const flagsOf = (lines: readonly string[]) => lines.flatMap((line) => /^ {2}(--[\w-]+)/.exec(line)?.[1] ?? []);

it("train --help lists the options that people use on about a page, --help-all every option", () => {
  const train = commands.find(({ name }) => name === "train")!;
  const every = optionsOf(train.schema).map(({ flag }) => flag);
  const [short, long] = [commandHelp(train, 80), commandHelp(train, 80, true)];
  expect(flagsOf(long)).toEqual([...every, "--help-all"]);
  const listed = flagsOf(short).filter((flag) => flag !== "--help-all");
  expect(listed).toHaveLength(21);
  const common = optionsOf(train.schema).filter(({ key }) => train.common!.includes(key));
  expect(listed).toEqual(common.map(({ flag }) => flag));
  expect(short.length).toBeLessThan(90);
  expect(short.join("\n")).toMatch(new RegExp(`--help-all +print every option: ${every.length - 21} more than here`));
  // The choices are in both.
  for (const lines of [short, long]) expect(lines.join(" ").replace(/\s+/g, " ")).toMatch(/unet_32.*resnet_9blocks/);
});

it("every other command lists every option in both", () => {
  for (const command of commands.filter(({ common }) => !common)) {
    expect(commandHelp(command, 80, true), command.name).toEqual(commandHelp(command, 80));
    expect(flagsOf(commandHelp(command, 80))).toHaveLength(optionsOf(command.schema).length);
  }
});

it("an option of a long name does not narrow the texts of the others, and a narrow terminal still shows readable lines", () => {
  for (const command of commands) {
    for (const width of [40, 60, 80]) {
      const lines = commandHelp(command, width, true);
      // Options, and single words that are longer than a line, are not broken.
      const texts = lines.slice(0, lines.indexOf("Examples:")).filter((line) => !/^ {2}-|^ *\S+$/.test(line));
      const longest = Math.max(...texts.map((line) => line.length));
      expect(longest, `${command.name} at ${width} columns`).toBeLessThanOrEqual(width);
      const margins = texts.flatMap((line) => /^ {3,}/.exec(line)?.[0].length ?? []);
      expect(Math.max(...margins, 0), `${command.name} at ${width} columns`).toBeLessThanOrEqual(
        Math.max(12, width - 24),
      );
    }
  }
});
