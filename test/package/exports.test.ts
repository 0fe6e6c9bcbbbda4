/** Every public export has a docstring. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { root } from "../paths.ts";

const read = (path: string) => readFileSync(`${root}/src/${path}`, "utf8");

/** The names that a file exports from others, with the file of each. */
function reexports(path: string): { name: string; from: string }[] {
  const statements = [...read(path).matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm)];
  return statements.flatMap(([, names, from]) =>
    names!
      .split(",")
      .map((name) =>
        name
          .trim()
          .replace(/^type /, "")
          .replace(/ as .*/, ""),
      )
      .filter(Boolean)
      .map((name) => ({ name, from: join(dirname(path), from!) })),
  );
}

/** Where a name is declared, through files that only pass it on. */
function declaration(name: string, path: string): { path: string; before: string } {
  const text = read(path);
  const at = text.search(
    new RegExp(`^export (?:async |abstract )?(?:function|const|class|interface|type) ${name}\\b`, "m"),
  );
  if (at >= 0) return { path, before: text.slice(0, at).trimEnd() };
  const next = reexports(path).find((each) => each.name === name);
  if (!next) throw new Error(`${name} is not declared in ${path}`);
  return declaration(name, next.from);
}

describe.each(["index.ts", "node/index.ts", "web/index.ts"])("src/%s", (index) => {
  it("exports what has a docstring", () => {
    const all = reexports(index).map(({ name, from }) => ({ name, ...declaration(name, from) }));
    const bare = all.filter(({ before }) => !before.endsWith("*/")).map(({ name, path }) => `${path}: ${name}`);
    expect(bare).toEqual([]);
    if (index === "index.ts") expect(all.length).toBeGreaterThan(60);
  });
  it("takes undefined for an option that may be left out", () => {
    const given = reexports(index).filter(({ name }) => /(Input|Options|Draw|Parts)$/.test(name));
    const fields = given.flatMap(({ name, from }) => {
      const { path } = declaration(name, from);
      const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)^\\}`, "ms").exec(read(path))?.[1] ?? "";
      return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\?: (.*)$/gm)].map(([, field, type]) => [
        `${name}.${field}`,
        type!,
      ]);
    });
    expect(fields.filter(([, type]) => !/\| undefined;|[({]$/.test(type!)).map(([field]) => field)).toEqual([]);
    if (index === "index.ts") expect(fields.length).toBeGreaterThan(20);
  });
});
