/** The runs: those of a server, which can be watched, compared and controlled, or those in this browser. */
import { useEffect, useState } from "preact/hooks";
import { askJson } from "../homes/server.ts";
import type { PageProps } from "../page.ts";
import { Button, Note } from "../parts/basics.tsx";
import { useKeptFocus } from "../parts/focus.ts";
import { useRuns, useWatched } from "./api.ts";
import { Cards } from "./cards.tsx";
import { Configuration } from "./config.tsx";
import { Curves } from "./curves.tsx";
import { NewRun } from "./new-run.tsx";
import { RunView } from "./run-view.tsx";
import { Samples } from "./samples.tsx";
import { StoredRuns } from "./stored.tsx";

export function Dashboard(props: PageProps) {
  return props.home.kind === "server" ? <ServerRuns {...props} /> : <StoredRuns {...props} />;
}

function ServerRuns({ route }: PageProps) {
  const shown = route.page === "runs";
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const [comparing, compare] = useState(false);
  const one = route.run;
  const { runs, error } = useRuns(shown && one === undefined);
  const there = runs ? ticked.filter((name) => runs.some((run) => run.name === name)) : ticked;
  const names = !shown ? [] : one !== undefined ? [one] : comparing ? there : [];
  const { watched, error: failed } = useWatched(names);
  const canTrain = useCanTrain();
  const problem = error ?? failed;
  const tick = (name: string, on: boolean) =>
    setTicked(on ? [...ticked, name] : ticked.filter((each) => each !== name));
  return (
    <div class="page dashboard">
      {problem && <Note bad>{problem}</Note>}
      {one === undefined ? (
        <>
          <h1>Runs</h1>
          {canTrain && <StartRun runs={runs ?? []} />}
          {!runs && !problem && <p class="soft">Reading the runs…</p>}
          {runs?.length === 0 && (
            <p class="lead">
              There are no runs yet. <code>npx pix2pix demo</code> trains one in a minute or two.
            </p>
          )}
          {runs && runs.length > 0 && <CompareRow names={there} {...{ comparing, compare }} />}
          {comparing && there.length > 0 ? (
            <>
              <Samples runs={watched.map(({ detail }) => detail)} />
              <Curves runs={watched} />
              <Configuration runs={watched.map(({ detail }) => detail)} />
            </>
          ) : (
            runs && <Cards {...{ runs, tick }} ticked={there} />
          )}
        </>
      ) : watched[0] ? (
        <RunView run={watched[0]} canTrain={canTrain} />
      ) : (
        !problem && <p class="soft">Reading the run…</p>
      )}
    </div>
  );
}

/** The button that opens the form of a new run, or the form. */
function StartRun({ runs }: Pick<Parameters<typeof NewRun>[0], "runs">) {
  const [open, setOpen] = useState(false);
  const row = useKeptFocus<HTMLDivElement>(open, "#new-run, input");
  return (
    <div class="row" ref={row}>
      {open ? (
        <NewRun runs={runs} close={() => setOpen(false)} />
      ) : (
        <Button id="new-run" onClick={() => setOpen(true)}>
          Start a run…
        </Button>
      )}
    </div>
  );
}

interface CompareProps {
  /** The ticked runs. */
  names: readonly string[];
  comparing: boolean;
  compare(on: boolean): void;
}

function CompareRow({ names, comparing, compare }: CompareProps) {
  const label = `Compare ${names.length || "ticked"} ${names.length === 1 ? "run" : "runs"}`;
  return (
    <div class="row">
      <Button
        primary={names.length > 0 && !comparing}
        disabled={names.length === 0}
        onClick={() => compare(!comparing)}
      >
        {comparing ? "Show the cards" : label}
      </Button>
      {comparing && <span class="soft">{names.join(", ")}</span>}
    </div>
  );
}

/** Whether the server starts and stops trainings. */
function useCanTrain(): boolean {
  const [can, set] = useState(false);
  useEffect(() => {
    askJson<{ canTrain: boolean }>("api").then(
      ({ canTrain }) => set(canTrain),
      () => {},
    );
  }, []);
  return can;
}
