/** Starts the page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { chooseHome } from "./homes/choose.ts";
import { workOffline } from "./offline.ts";
import { refuseStrayDrops } from "./stray-drops.ts";

const home = await chooseHome();
refuseStrayDrops();
render(<App home={home} />, document.getElementById("app")!);
// The runs of a server need the server, so that page gets no offline copy.
if (home.kind !== "server") workOffline();
