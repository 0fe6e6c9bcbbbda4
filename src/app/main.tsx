/** Starts the page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { chooseHome } from "./homes/choose.ts";
import { workOffline } from "./offline.ts";

const home = await chooseHome();
render(<App home={home} />, document.getElementById("app")!);
// A server's runs are not here without it.
if (home.kind !== "server") workOffline();
