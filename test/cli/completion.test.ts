/** The scripts of `pix2pix completion`, in the shells that are here. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Shell, shells } from "../../src/cli/completion.ts";
import { commands } from "../../src/cli/registry.ts";
import { namesOf } from "../../src/config/names.ts";
import { optionsOf } from "../../src/config/options.ts";
import { workFolder } from "../work-folder.ts";

const isHere = (shell: Shell) => process.platform !== "win32" && spawnSync(shell, ["-c", "exit 0"]).status === 0;
const work = workFolder("completion");

/** Runs a script. It is a file, because fish does not read scripts from Node's pipes. */
function run(shell: Shell, args: string[], script: string) {
  const file = join(work, shell);
  writeFileSync(file, script);
  return spawnSync(shell, [...args, file], { encoding: "utf8" });
}

it.each(namesOf(shells))("%s accepts its script, which has every command, option and choice", (shell) => {
  const script = shells[shell](commands);
  for (const { name, schema } of commands) {
    expect(script).toContain(name.split(" ").at(-1));
    for (const { flag, choices = [] } of optionsOf(schema)) {
      expect(script).toContain(shell === "fish" ? `-l ${flag.slice(2)} ` : flag);
      expect(script).toContain(choices.join(" "));
    }
  }
  if (!isHere(shell)) return;
  // -n checks a script without running it.
  expect(run(shell, ["-n"], script)).toMatchObject({ status: 0, stderr: "" });
});

/** Asks bash what completes a command line; the last word is what has been typed of it. */
function completed(lines: readonly string[][]): string[][] {
  const asked = lines.map(
    (words) => `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1} COMPREPLY=()
_pix2pix; echo "\${COMPREPLY[*]}"`,
  );
  const { stdout, stderr } = run("bash", ["--norc"], `${shells.bash(commands)}\n${asked.join("\n")}\n`);
  expect(stderr).toBe("");
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ").filter(Boolean));
}

describe.skipIf(!isHere("bash"))("bash completes", () => {
  it("commands, options, and choices after a space or an equals sign", () => {
    const answers = completed([
      ["pix2pix", "tr"],
      ["pix2pix", "data", "co"],
      ["pix2pix", "train", "--lambda-g"],
      ["pix2pix", "train", "--name", "x", "--direction", "A"],
      ["pix2pix", "train", "--direction", "=", "B"],
      ["pix2pix", "train", "--direction", "="],
      ["pix2pix", "train", "--no-flip", "="],
      ["pix2pix", "train", "--no-flip", "=", "f"],
      ["pix2pix", "train", "--no-flip", "--direction", ""],
      ["pix2pix", "train", "--no-flip", "--dire"],
      ["pix2pix", "data", "split", "--mo"],
      ["pix2pix", "data", "split", "--mode", ""],
      ["pix2pix", "data", "download", "fac"],
      ["pix2pix", "completion", "z"],
      ["pix2pix", "help", "insp"],
      ["pix2pix", "train", "--help"],
    ]);
    expect(answers).toEqual([
      ["train", "translate"],
      ["combine"],
      ["--lambda-gp", "--lambda-gan"],
      ["AtoB"],
      ["BtoA"],
      ["AtoB", "BtoA"],
      ["true", "false"],
      ["false"],
      ["AtoB", "BtoA"],
      ["--direction"],
      ["--mode"],
      ["copy", "move", "link"],
      ["facades"],
      ["zsh"],
      ["inspect"],
      ["--help", "--help-all"],
    ]);
  });

  it("names of files where a value is neither an option nor a choice: it leaves these to readline", () => {
    expect(
      completed([
        ["pix2pix", "train", "--dataroot", ""],
        ["pix2pix", "translate", "--input", "x"],
      ]),
    ).toEqual([[]]);
  });
});

it.skipIf(!isHere("fish"))("fish completes commands, options and choices", () => {
  const lines = ["pix2pix tr", "pix2pix data co", "pix2pix train --lambda-g", "pix2pix train --direction B"];
  const asked = lines.map((line) => `complete -C '${line}' | string replace -r '\\t.*' ''; echo .`);
  const { stdout } = run("fish", ["--no-config"], `${shells.fish(commands)}\n${asked.join("\n")}\n`);
  const answers = stdout
    .split(".\n")
    .slice(0, -1)
    .map((text) => text.trim().split("\n").sort());
  expect(answers).toEqual([["train", "translate"], ["combine"], ["--lambda-gan", "--lambda-gp"], ["BtoA"]]);
});
