/** npm run dev: serves the page and builds it anew at each change. Reload the page to see it. */
import { watch } from "node:fs";
import { fileURLToPath } from "node:url";
import { serveFolders } from "../src/node/serve.ts";
import { appFolder, buildApp } from "./build-web.ts";

/** Milliseconds: editors write a file in several steps. */
const pause = 200;
let waiting: NodeJS.Timeout | undefined;

function rebuild(): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    buildApp(appFolder).then(
      () => console.log("Built."),
      (error: Error) => console.error(error.message),
    );
  }, pause);
}

await buildApp(appFolder);
watch(fileURLToPath(new URL("../src", import.meta.url)), { recursive: true }, rebuild);
const { url } = await serveFolders([appFolder], { port: Number(process.env.PORT ?? 8080) });
console.log(`The page: ${url} (Ctrl-C ends it)`);
