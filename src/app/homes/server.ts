/** `pix2pix serve`: the runs of the server's folder, through its HTTP API. */
import { UserError } from "../../errors.ts";
import { images } from "../../web/images.ts";
import type { About, Home, OpenRun, RunEntry, Translated, TranslateSettings } from "../home.ts";
import { Generators } from "./generators.ts";
import { PublishedRuns } from "./published.ts";

/** @throws UserError with the server's words */
async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  throw new UserError((await response.text()) || `the server answers ${response.status}`);
}

const runPath = (name: string) => `api/runs/${encodeURIComponent(name)}`;

export class ServerHome implements Home {
  readonly kind = "server";
  readonly abilities = { train: false, runs: true };
  readonly #published = new PublishedRuns(new Generators());

  async about(): Promise<About> {
    return { computesOn: "the server", notes: [] };
  }

  async runs(): Promise<RunEntry[]> {
    const runs = (await (await ask("api/runs")).json()) as RunEntry[];
    return [...runs, ...(await this.#published.entries())];
  }

  async open(name: string): Promise<OpenRun> {
    const published = await this.#published.open(name);
    if (published) return published;
    const facts = (await (await ask(runPath(name))).json()) as Omit<OpenRun, "translate" | "pair" | "close" | "epochs">;
    return {
      ...facts,
      epochs: async () => ["latest"],
      translate: (picture, settings) => translate(name, picture, settings),
      pair: async () => undefined,
      close: async () => {},
    };
  }
}

async function translate(
  name: string,
  picture: Parameters<OpenRun["translate"]>[0],
  settings: TranslateSettings = {},
): Promise<Translated> {
  const began = performance.now();
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
  const body = (await images.encodePng(picture)) as Uint8Array<ArrayBuffer>;
  const response = await ask(`${runPath(name)}/translate?${query}`, { method: "POST", body });
  const output = await images.decode(new Uint8Array(await response.arrayBuffer()));
  return { picture: output, milliseconds: performance.now() - began };
}
