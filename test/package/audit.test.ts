/** No dependency has a known vulnerability, as npm's registry tells. */
import { expect, it } from "vitest";
import { root } from "../paths.ts";
import { run } from "./project.ts";

const { said } = run(root, "npm", ["audit", "--omit=dev", "--json"]);
const report = JSON.parse(said || "{}") as { metadata?: { vulnerabilities?: Record<string, number> } };

it.skipIf(!report.metadata)("npm audit finds nothing (skipped where the registry answers no audit)", () => {
  expect(report.metadata!.vulnerabilities).toMatchObject({ total: 0 });
});
