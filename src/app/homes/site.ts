/** A static site: the runs that are published with the page, computed in this browser. */
import { UserError } from "../../errors.ts";
import type { Home, OpenRun, RunEntry } from "../home.ts";
import { Generators } from "./generators.ts";
import { PublishedRuns } from "./published.ts";

export class SiteHome implements Home {
  readonly kind = "site";
  readonly abilities = { train: false, runs: false };
  readonly #published = new PublishedRuns(new Generators());

  runs(): Promise<RunEntry[]> {
    return this.#published.entries();
  }

  async open(name: string): Promise<OpenRun> {
    const run = await this.#published.open(name);
    if (!run) throw new UserError(`This page has no run "${name}".`);
    return run;
  }
}
