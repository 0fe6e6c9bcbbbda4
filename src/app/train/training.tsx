/** Section 2: the settings of a new run, or the options of a stored one; its controls and its progress. */
import { useState } from "preact/hooks";
import { changedText } from "../../config/form.ts";
import { Button } from "../parts/basics.tsx";
import { useKeptFocus } from "../parts/focus.ts";
import { OptionForm } from "../parts/options/options.tsx";
import { Estimate } from "./estimate.tsx";
import { Progress } from "./progress.tsx";
import { newRun, type Session, type SessionState } from "./session.ts";
import { initialOf, moreFields } from "./settings.ts";
import { SettingsForm } from "./settings-form.tsx";

interface SectionProps {
  session: Session;
  state: SessionState;
}

export function Training({ session, state }: SectionProps) {
  const { names, phase, selected, run } = state;
  return (
    <section class="card" aria-labelledby="train-title">
      <h2 id="train-title">
        <b>2</b> Training
      </h2>
      {names.length > 0 && (
        <div id="runs-box">
          <label for="run-choice">Run</label>
          <select
            id="run-choice"
            value={selected}
            disabled={phase === "training"}
            onChange={({ currentTarget }) => session.select(currentTarget.value)}
          >
            {[newRun, ...names].map((name) => (
              <option key={name} value={name}>
                {name || "a new one"}
              </option>
            ))}
          </select>
          {(phase === "stored" || phase === "broken") && (
            <Button plain id="delete-run" onClick={() => session.attempt(() => session.delete())}>
              Delete
            </Button>
          )}
        </div>
      )}
      {phase === "new" && <SettingsForm {...{ session, state }} />}
      <Actions {...{ session, state }} />
      {phase === "new" && state.data && <Estimate {...{ session, state }} />}
      {phase === "new" && <More {...{ session, state }} />}
      {run && <Progress client={session.client} {...{ state, run }} />}
      {phase === "stored" && !run?.imported && <Changes key={selected} {...{ session, state }} />}
    </section>
  );
}

/** The buttons that the phase of the run allows. Where the focused button is removed, the next one gets the focus. */
function Actions({ session, state: { phase, data, status, run } }: SectionProps) {
  const box = useKeptFocus<HTMLDivElement>(phase, "#pause, #resume, #train-more, #start");
  const [steps, setSteps] = useState("1000");
  const stored = phase === "stored" && run !== undefined && !run.imported;
  const attempt = (work: () => Promise<unknown>) => void session.attempt(work);
  const ready = () => isValid("settings") && (session.checked.config !== undefined || showWrong());
  return (
    <div class="row" ref={box}>
      {phase === "new" && (
        <Button primary id="start" disabled={!data} onClick={() => ready() && attempt(() => session.begin())}>
          Start training
        </Button>
      )}
      {phase === "training" && (
        <Button id="pause" onClick={() => session.pause()}>
          Pause
        </Button>
      )}
      {stored && !run.finished && (
        <Button primary id="resume" onClick={() => attempt(() => session.resume())}>
          Continue
        </Button>
      )}
      {stored && run.finished && (
        <form
          id="more-box"
          onSubmit={(event) => {
            event.preventDefault();
            attempt(() => session.trainMore(Number(steps)));
          }}
        >
          <label>
            Train{" "}
            <input
              type="number"
              id="more-steps"
              {...{ min: 1, max: 1_000_000, step: 1, value: steps, required: true }}
              aria-label="steps more"
              onInput={({ currentTarget }) => setSteps(currentTarget.value)}
            />{" "}
            steps
          </label>{" "}
          <button type="submit" id="train-more">
            more
          </button>
        </form>
      )}
      <span id="state" class="soft" role="status">
        {status}
      </span>
    </div>
  );
}

const isValid = (form: string): boolean => (document.getElementById(form) as HTMLFormElement).reportValidity();

/** Opens the options and focuses the first invalid one. */
function showWrong(): false {
  const more = document.getElementById("more") as HTMLDetailsElement;
  more.open = true;
  (more.querySelector<HTMLElement>("[aria-invalid=true]") ?? more.querySelector("summary"))?.focus();
  return false;
}

/** All other options of a new run. */
function More({ session, state: { settings, data } }: SectionProps) {
  const { given } = settings;
  const { checked } = session;
  const changes = changedText(given, moreFields);
  const wrong = checked.problems.size + checked.others.length;
  return (
    <details id="more" class="more">
      <summary>
        More options{changes && <span class="changes">: {changes} changed</span>}
        {wrong > 0 && <b class="wrong">, {wrong === 1 ? "one is wrong" : `${wrong} are wrong`}</b>}
      </summary>
      <p class="soft small">
        Every option of the command line that makes sense in a browser. Options that you do not set follow from the
        picture size and the profile; their values are shown in grey.
      </p>
      <OptionForm
        fields={moreFields}
        initial={initialOf(settings, data)}
        {...{ given, checked }}
        change={(next) => session.change({ given: next })}
      />
    </details>
  );
}

/** The options of a stored run. Those that may change can be changed before it is continued. */
function Changes({ session, state: { run, changes } }: SectionProps) {
  const checked = session.checkedChanges;
  if (!run || !checked) return null;
  const changed = changedText(changes, moreFields);
  return (
    <details id="run-options" class="more">
      <summary>Options of this run{changed && <span class="changes">: {changed} changed from here on</span>}</summary>
      <p class="soft small">
        Learning rate, length, saving and validation can be changed when the run continues. The other options are fixed.
      </p>
      <OptionForm
        fields={moreFields}
        initial={{ ...run.config }}
        given={changes}
        checked={checked}
        fixed={({ resume }) => !resume}
        change={(next) => session.changeRun(next)}
      />
    </details>
  );
}
