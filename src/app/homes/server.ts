/** `pix2pix serve`: the runs of the server's folder, through its HTTP API. */
import { UserError } from "../../errors.ts";
import type { JudgedSamples } from "../../inference/judge.ts";
import type { RunSummary } from "../../run/summaries.ts";
import type { RunFacts } from "../../server/studio.ts";
import { images } from "../../web/images.ts";
import type { Home, OpenRun, RunEntry, StudioPair, Translated, TranslateSettings } from "../home.ts";
import { Generators } from "./generators.ts";
import { PublishedRuns } from "./published.ts";

/** The server has no such run or file. */
export class NotThere extends UserError {}

/** @throws UserError with the server's message, or where the server does not answer; NotThere for the status 404 */
export async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch(() => {
    throw new UserError("The server does not answer. Is pix2pix serve still running?");
  });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  throw new (response.status === 404 ? NotThere : UserError)(error ?? `The server answers ${response.status}.`);
}

export const askJson = async <T>(path: string): Promise<T> => (await (await ask(path)).json()) as T;

/** The address of a run, relative to the page. */
export const runPath = (name: string): string => `api/runs/${encodeURIComponent(name)}`;

export class ServerHome implements Home {
  readonly kind = "server";
  readonly abilities = { train: false, runs: true };
  readonly #published = new PublishedRuns(new Generators());

  async runs(): Promise<RunEntry[]> {
    const runs = (await askJson<RunSummary[]>("api/runs")).map(({ name, usable }) => ({
      name,
      title: name,
      published: false,
      usable,
    }));
    return [...runs.sort((a, b) => Number(b.usable) - Number(a.usable)), ...(await this.#published.entries())];
  }

  async open(name: string): Promise<OpenRun> {
    const runs = await askJson<RunSummary[]>("api/runs");
    if (!runs.some((run) => run.name === name)) {
      const published = await this.#published.open(name);
      if (published) return published;
    }
    const { epochs, ...facts } = await askJson<RunFacts>(`${runPath(name)}/studio`);
    if (epochs.length === 0) throw new UserError(`The run "${name}" has no weights yet.`);
    return {
      ...facts,
      name,
      title: name,
      epochs: async () => (await askJson<RunFacts>(`${runPath(name)}/studio`)).epochs,
      translate: (picture, settings) => translate(name, picture, settings),
      pair: () => pair(name),
      close: async () => {},
    };
  }

  judge(name: string, sample: string): Promise<JudgedSamples> {
    return askJson(`${runPath(name)}/patches?${new URLSearchParams({ sample })}`);
  }
}

async function translate(
  name: string,
  picture: Parameters<OpenRun["translate"]>[0],
  settings: TranslateSettings = {},
): Promise<Translated> {
  const began = performance.now();
  const given = Object.entries({ ...settings, preprocess: "none" }).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
  const body = await images.encodePng(picture);
  const headers = { "Content-Type": "image/png" };
  const response = await ask(`${runPath(name)}/translate?${query}`, { method: "POST", body, headers });
  const output = await images.decode(new Uint8Array(await response.arrayBuffer()));
  return { picture: output, milliseconds: performance.now() - began };
}

/** Undefined where the data set is not on the server. */
async function pair(name: string): Promise<StudioPair | undefined> {
  const response = await fetch(`${runPath(name)}/pair`);
  if (!response.ok) return undefined;
  const form = await response.formData();
  const picture = async (field: string) => {
    const file = form.get(field) as File;
    return {
      name: file.name.replace(/\.png$/, ""),
      picture: await images.decode(new Uint8Array(await file.arrayBuffer())),
    };
  };
  const [input, target] = await Promise.all([picture("input"), picture("target")]);
  return { name: input.name, input: input.picture, target: target.picture };
}
