#!/usr/bin/env -S MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_ARENA_MAX=1 node
// The first line tells the C library of Linux to keep memory that ONNX Runtime gives back for its next run: without it every
// training step has the system take pages away and fill them anew, a tenth of its time (docs/performance.md). One arena for all
// threads is 30 MB less.
//
// In a checkout the sources run as they are (through tsx); the published package carries the compiled dist/ instead.
import { existsSync } from "node:fs";

const source = new URL("../src/cli/main.ts", import.meta.url);
if (existsSync(source)) {
  const { register } = await import("tsx/esm/api");
  register();
  await import(source.href);
} else {
  await import(new URL("../dist/cli/main.js", import.meta.url).href);
}
