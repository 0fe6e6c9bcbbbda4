/** What the frame gives to each page. */
import type { Home } from "./home.ts";
import type { Route } from "./routes.ts";

export interface PageProps {
  home: Home;
  route: Route;
}
