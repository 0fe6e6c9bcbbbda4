/** Where tests find the repository and the data beside it. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));
/** The program, as a user starts it. */
export const bin = fileURLToPath(new URL("../bin/pix2pix.js", import.meta.url));
/** A file of test/fixtures, as an address. */
export const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url);
/** Real pairs; tests that need them are skipped where they are absent. PIX2PIX_DATA names another folder. */
export const realData = resolve(process.env.PIX2PIX_DATA ?? `${root}/../shared/data`);
/** Training steps of PyTorch beside the repository. PIX2PIX_REFERENCE names another folder. */
export const reference = resolve(process.env.PIX2PIX_REFERENCE ?? `${root}/../shared/reference`);
/** Inputs that failed once, beside the repository. */
export const cases = resolve(`${root}/../shared/cases`);
/** A small ImageNet network with LPIPS layers beside the repository. PIX2PIX_FEATURES names another folder. */
export const features = resolve(process.env.PIX2PIX_FEATURES ?? `${root}/../shared/features`);
