/** The names that tests call in the page: those of pix2pix/web, and some of the core. */
import { graphOf, sampleOf, valuesFor } from "../../../src/conformance/cases.ts";
import { conform, isRight, linesOf } from "../../../src/conformance/report.ts";
import { evaluate } from "../../../src/conformance/run.ts";
import { casesOf, variants } from "../../../src/conformance/variants.ts";
import { descriptionLines, inits, parseConfig, Run, resumeConfig, Trainer } from "../../../src/index.ts";
import * as web from "../../../src/web/index.ts";

/** Bytes between the test and the page go as base64: faster than arrays of numbers. */
const toBytes = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
function toText(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

const runtimeBase = new URL("ort/", location.href).href;
const client = new web.Client({ runtimeBase });
const conformance = { casesOf, conform, evaluate, graphOf, isRight, linesOf, sampleOf, valuesFor, variants };

export const harness = {
  ...web,
  descriptionLines,
  parseConfig,
  resumeConfig,
  Run,
  Trainer,
  inits,
  toBytes,
  toText,
  client,
  runtimeBase,
  conformance,
};
export type Harness = typeof harness;
Object.assign(globalThis, { pix2pix: harness });
