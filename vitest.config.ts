import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/web/browser/find.ts",
    // Some tests load onnxruntime-node themselves; see src/node/telemetry.ts.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 120_000,
    fileParallelism: true,
    maxWorkers: 2,
  },
});
