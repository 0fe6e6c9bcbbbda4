/** Assembles src/nn/adam.wat into src/nn/adam-kernel.ts: `npm run build:kernel`. A test checks that the two agree. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const file = (name: string): string => fileURLToPath(new URL(`../src/nn/${name}`, import.meta.url));

/** The WebAssembly module of adam.wat, in base64. */
export async function assembleKernel(): Promise<string> {
  const text = readFileSync(file("adam.wat"), "utf8");
  const module = (await wabt()).parseWat("adam.wat", text, { simd: true });
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `/** adam.wat, assembled; \`npm run build:kernel\` writes this file. */
export const adamKernel =
  "${await assembleKernel()}";
`;
  writeFileSync(file("adam-kernel.ts"), text);
}
