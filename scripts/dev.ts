/** npm run dev: serves the page and builds it anew at each change. Reload the page to see it. */
import { watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { serveFolders } from "../src/node/serve.ts";
import { copyRuntime, copyStatic, pageEntry, pageFolder, pageOptions, webFolder, workerOptions } from "./build-web.ts";

for (const options of [workerOptions(webFolder), pageOptions(pageFolder, pageEntry)]) {
  const building = await context({ ...options, logLevel: "info" });
  await building.watch();
}
copyRuntime(webFolder);
copyStatic(pageFolder, pageEntry);
const page = fileURLToPath(new URL(join("..", dirname(pageEntry)), import.meta.url));
watch(page, () => copyStatic(pageFolder, pageEntry));

const { url } = await serveFolders([pageFolder, webFolder], { port: Number(process.env.PORT ?? 8080) });
console.log(`The page: ${url} (Ctrl-C ends it)`);
