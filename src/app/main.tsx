/** Starts the page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { chooseHome } from "./homes/choose.ts";

render(<App home={chooseHome()} />, document.getElementById("app")!);
