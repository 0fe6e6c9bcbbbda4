import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { assembled } from "../../scripts/build-kernels.ts";

it("assembled.ts is what the .wat files give (npm run build:kernels)", async () => {
  const url = new URL("../../src/kernels/assembled.ts", import.meta.url);
  expect(readFileSync(url, "utf8")).toBe(await assembled());
});
