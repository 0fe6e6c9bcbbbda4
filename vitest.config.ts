import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests that take minutes: `npm run test:all`. */
const long = "test/**/*.long.test.ts";
/** Those of them that kill, fill disks and send signals: `npm run test:faults`. */
const faults = "test/faults/**/*.long.test.ts";
/** Tests on a device other than the CPU, as far as this machine has one or emulates it. */
const device = "test/**/*.device.test.ts";
/** Tests in a real browser. */
const browser = "test/web/**/*.test.ts";

/** One tier: `npx vitest run --project NAME`. */
const tier = (name: string, include: string, exclude: string[] = []) => ({
  extends: true as const,
  // Files share the modules of their process: importing the sources anew for each file took a tenth of the time.
  test: { name, include: [include], exclude, isolate: false },
});

/** Long files first, so that none begins when the others end. Without times of an earlier run the largest are first. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /test.(web|package|training|faults)/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    globalSetup: "test/web/browser/find.ts",
    env: {
      // Some tests load onnxruntime-node themselves; see src/node/telemetry.ts.
      ORT_DISABLE_TELEMETRY: "1",
      // Commands that tests start do not start themselves again; see bin/pix2pix.js.
      MALLOC_ARENA_MAX: "1",
    },
    // Hooks train runs, too: they need the time of a test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: true,
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      tier("unit", "test/**/*.test.ts", [long, device, browser]),
      tier("device", device),
      tier("browser", browser, [long]),
      tier("long", long, [faults]),
      tier("faults", faults),
    ],
  },
});
