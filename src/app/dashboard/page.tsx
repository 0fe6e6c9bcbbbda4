/** The runs of a server, or those in this browser: as cards, one in full, or several side by side. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { askJson } from "../homes/server.ts";
import type { PageProps } from "../page.ts";
import { Button, Note } from "../parts/basics.tsx";
import { useKeptFocus } from "../parts/focus.ts";
import { addressOf } from "../routes.ts";
import { DashboardContext, useRuns, useWatched } from "./board.ts";
import { Cards } from "./cards.tsx";
import { Configuration } from "./config.tsx";
import { Curves } from "./curves.tsx";
import { DeleteRun } from "./delete-run.tsx";
import { NewRun } from "./new-run.tsx";
import { PublishedCards } from "./published.tsx";
import { RunView } from "./run-view.tsx";
import { Samples } from "./samples.tsx";
import { serverBoard } from "./server-board.ts";
import { storedBoard } from "./stored-board.ts";

export function Dashboard({ home, route }: PageProps) {
  const onServer = home.kind === "server";
  const board = onServer ? serverBoard : storedBoard;
  const shown = route.page === "runs";
  const [ticked, setTicked] = useState<readonly string[]>([]);
  const [asked, compare] = useState(false);
  // While another page is shown, its address names runs for itself; this page stays as it was.
  const named = useRef<string | undefined>(undefined);
  if (shown) named.current = route.run;
  const one = named.current;
  const { found: runs, error } = useRuns(board, shown && one === undefined);
  const there = runs ? ticked.filter((name) => runs.some((run) => run.name === name)) : ticked;
  // The last of the compared runs may have been deleted.
  const comparing = asked && there.length > 0;
  const names = one !== undefined ? [one] : comparing ? there : [];
  const { found: watched, error: failed, gone } = useWatched(board, names, shown);
  const canTrain = useCanTrain(onServer);
  const problem = error ?? failed;
  const tick = (name: string, on: boolean) => {
    compare(false);
    setTicked(on ? [...there, name] : there.filter((each) => each !== name));
  };
  const shared = useMemo(() => ({ home, board }), [home, board]);
  return (
    <DashboardContext.Provider value={shared}>
      <div class="page dashboard">
        {problem !== undefined && <Note bad>{messageOf(problem)}</Note>}
        {one === undefined ? (
          <>
            <h1>Runs</h1>
            {canTrain && <StartRun runs={runs ?? []} />}
            {!runs && !problem && <p class="soft">Reading the runs…</p>}
            {runs?.length === 0 && <NoRuns onServer={onServer} />}
            {runs && runs.length > 0 && <CompareRow names={there} {...{ comparing, compare }} />}
            {comparing ? (
              <>
                <Samples runs={watched.map(({ detail }) => detail)} />
                <Curves runs={watched} />
                <Configuration runs={watched.map(({ detail }) => detail)} />
              </>
            ) : (
              runs && <Cards {...{ runs, tick }} ticked={there} />
            )}
            {!onServer && !comparing && <PublishedCards shown={shown} />}
          </>
        ) : watched[0] ? (
          <RunView run={watched[0]} canTrain={canTrain} />
        ) : (
          <NoRun
            name={one}
            state={gone.includes(one) ? "gone" : problem === undefined ? "reading" : "unreadable"}
            canDelete={!onServer || canTrain}
          />
        )}
      </div>
    </DashboardContext.Provider>
  );
}

function NoRuns({ onServer }: { onServer: boolean }) {
  return onServer ? (
    <p class="lead">
      There are no runs yet. <code>npx pix2pix demo</code> trains one in a minute or two.
    </p>
  ) : (
    <p class="lead">
      This browser has no runs yet. <a href={addressOf({ page: "train" })}>Train one</a>: it takes a few minutes, with
      your own pictures or with drawn facades.
    </p>
  );
}

interface NoRunProps {
  name: string;
  state: "reading" | "gone" | "unreadable";
  canDelete: boolean;
}

/** In place of a run that cannot be shown. */
function NoRun({ name, state, canDelete }: NoRunProps) {
  return (
    <>
      <p>
        <a href={addressOf({ page: "runs" })}>All runs</a>
      </p>
      <h1>{name}</h1>
      {state === "unreadable" && canDelete && <DeleteRun key={name} name={name} />}
      {state === "gone" && <Note>There is no run of this name. It may have been deleted.</Note>}
      {state === "reading" && (
        <p class="soft" role="status">
          Reading the run…
        </p>
      )}
    </>
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

/** Whether the server starts and stops trainings; false without a server. */
function useCanTrain(onServer: boolean): boolean {
  const [can, set] = useState(false);
  useEffect(() => {
    if (!onServer) return;
    askJson<{ canTrain: boolean }>("api").then(
      ({ canTrain }) => set(canTrain),
      () => {},
    );
  }, [onServer]);
  return can;
}
