/** Training in the browser: choose pairs, train, use the result. session.ts has the state. */
import { useEffect, useState } from "preact/hooks";
import { makeClient } from "../homes/client.ts";
import type { PageProps } from "../page.ts";
import { Note } from "../parts/basics.tsx";
import { useStore } from "../parts/store.ts";
import { addressOf } from "../routes.ts";
import { Pictures } from "./pictures.tsx";
import { Session } from "./session.ts";
import { StoragePanel } from "./storage-panel.tsx";
import { ThreadsNote } from "./threads-note.tsx";
import { Training } from "./training.tsx";
import { Use } from "./use.tsx";

export function Train({ route }: PageProps) {
  const [session] = useState(() => new Session(makeClient()));
  const asked = route.page === "train" ? route.run : undefined;
  useEffect(() => {
    if (asked === undefined) return;
    void session.show(asked);
    // The address must not keep a run after the user has chosen another.
    history.replaceState(null, "", addressOf({ page: "train" }));
    dispatchEvent(new HashChangeEvent("hashchange"));
  }, [session, asked]);
  const shown = route.page === "train";
  useEffect(() => {
    if (!shown) return;
    const relist = () => {
      if (!document.hidden) void session.relist();
    };
    relist();
    document.addEventListener("visibilitychange", relist);
    return () => document.removeEventListener("visibilitychange", relist);
  }, [session, shown]);
  const state = useStore(session);
  const { computesOn, notes, problem, usable } = state;
  return (
    <div class="train">
      <header>
        <h1>pix2pix in your browser</h1>
        <p class="lead">
          Show a network pairs of pictures, before and after, and it learns to turn one kind into the other. Training
          runs here: your pictures never leave this computer.
        </p>
        <p id="device" class="chip">
          {computesOn ? `Computes on ${computesOn}` : "Checking this computer…"}
        </p>
        <ThreadsNote training={state.phase === "training"} />
        <div id="notes" aria-live="polite">
          {notes.map((text) => (
            <p key={text} class="notice">
              {text}
            </p>
          ))}
        </div>
      </header>
      <div id="problem" hidden={problem === undefined}>
        {problem !== undefined && <Note bad>{problem}</Note>}
      </div>
      <Pictures {...{ session, state }} />
      <Training {...{ session, state }} />
      {usable !== undefined && <Use client={session.client} name={usable} attempt={(work) => session.attempt(work)} />}
      <StoragePanel stored={state.stored} changed={() => session.refresh()} />
    </div>
  );
}
