/** src/cli/commands holds commands and nothing else, and the program has them all. */
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { commands } from "../../src/cli/registry.ts";

const folder = new URL("../../src/cli/commands/", import.meta.url);
const paths = (readdirSync(folder, { recursive: true }) as string[])
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts"));

it.each(paths)("%s exports one command, named as the file, that the registry lists", async (path) => {
  const module: Record<string, unknown> = await import(new URL(path, folder).href);
  const [exported, ...more] = Object.values(module);
  expect(more).toEqual([]);
  expect(exported).toMatchObject({ name: path.replace(/\.ts$/, "").replace("/", " ") });
  expect(commands).toContain(exported);
});

it("the registry lists no other command", () => {
  expect(commands.length).toBe(paths.length);
});
