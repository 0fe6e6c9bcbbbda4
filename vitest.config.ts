import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/browser/find.ts",
    testTimeout: 120_000,
    fileParallelism: true,
    maxWorkers: 2,
  },
});
