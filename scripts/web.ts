/** npm run web: builds the page and serves it on this machine. */
import { buildPage, pageFolder } from "./build-web.ts";
import { serveFolder } from "./serve.ts";

const port = Number(process.env.PORT ?? 8080);
await buildPage(pageFolder);
const { url } = await serveFolder(pageFolder, { port });
console.log(`Train and translate in the browser: ${url} (Ctrl-C ends it)`);
