/** All runs as cards. */
import { addressOf } from "../routes.ts";
import { type RunSummary, useAddress } from "./board.ts";
import { bestText, progressText, stateText } from "./words.ts";

interface CardsProps {
  runs: readonly RunSummary[];
  ticked: readonly string[];
  tick(name: string, on: boolean): void;
}

export function Cards({ runs, ticked, tick }: CardsProps) {
  return (
    <ul class="cards">
      {runs.map((run) => (
        <li key={run.name} class="card run-card">
          <h2>
            <a href={addressOf({ page: "runs", run: run.name })}>{run.name}</a>
          </h2>
          <StateChip run={run} />
          <Progress run={run} />
          {run.problem ? <p class="notice bad">{run.problem}</p> : <p class="small soft">{progressText(run)}</p>}
          {run.failure && <p class="notice bad small">The training {run.failure}</p>}
          {run.sample && <LastSample run={run} file={run.sample.file} />}
          {bestText(run) && <p class="small">{bestText(run)}</p>}
          {run.alarms.map(({ kind, text }) => (
            <p key={kind} class="notice small">
              {text}
            </p>
          ))}
          {run.state !== "damaged" && <CardLinks {...{ run, tick }} ticked={ticked.includes(run.name)} />}
        </li>
      ))}
    </ul>
  );
}

interface CardLinksProps extends Pick<CardsProps, "tick"> {
  run: RunSummary;
  ticked: boolean;
}

function CardLinks({ run: { name, usable }, ticked, tick }: CardLinksProps) {
  return (
    <div class="row card-links">
      <label class="tick">
        <input type="checkbox" checked={ticked} onChange={({ currentTarget }) => tick(name, currentTarget.checked)} />{" "}
        compare<span class="unseen"> {name}</span>
      </label>
      {usable && (
        <a href={addressOf({ page: "studio", run: name })}>
          Draw with it<span class="unseen">: {name}</span>
        </a>
      )}
    </div>
  );
}

function LastSample({ run, file }: { run: RunSummary; file: string }) {
  const src = useAddress(run, file);
  const alt = `Last sample of ${run.name}: input, output and target`;
  return <img class="last-sample" src={src} alt={alt} loading="lazy" />;
}

export function StateChip({ run: { state } }: { run: RunSummary }) {
  return <span class={`chip state-${state}`}>{stateText[state]}</span>;
}

export function Progress({ run: { name, step, lastStep } }: { run: RunSummary }) {
  if (!lastStep) return null;
  const done = Math.min(1, step / lastStep);
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={`Progress of ${name}`}
      aria-valuemin={0}
      aria-valuemax={lastStep}
      aria-valuenow={step}
    >
      <div style={{ width: `${(100 * done).toFixed(2)}%` }} />
    </div>
  );
}
