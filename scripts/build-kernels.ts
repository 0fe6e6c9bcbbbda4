/** Assembles src/kernels/*.wat into src/kernels/assembled.ts: `npm run build:kernels`. A test checks that they agree. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const file = (name: string): string => fileURLToPath(new URL(`../src/kernels/${name}`, import.meta.url));
const names = ["adam", "random", "resize"];

/** The text of assembled.ts. */
export async function assembled(): Promise<string> {
  const { parseWat } = await wabt();
  const kernels = names.map((name) => {
    const module = parseWat(`${name}.wat`, readFileSync(file(`${name}.wat`), "utf8"), {
      simd: true,
      multi_value: true,
    });
    const base64 = Buffer.from(module.toBinary({}).buffer).toString("base64");
    return `export const ${name}Kernel =\n  "${base64}";\n`;
  });
  return `/** The .wat files beside this one, assembled, in base64; \`npm run build:kernels\` writes this file. */\n${kernels.join("\n")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file("assembled.ts"), await assembled());
