/** One run: state and actions, alarms, curves, samples, options, links. */
import { useState } from "preact/hooks";
import { inWords } from "../../config/form.ts";
import { messageOf } from "../../errors.ts";
import type { Precision } from "../../formats/compact.ts";
import { weightsFile } from "../../run/paths.ts";
import { runPath } from "../homes/server.ts";
import { Button, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { addressOf } from "../routes.ts";
import { type RunDetail, useDashboard, type WatchedRun } from "./board.ts";
import { Progress, StateChip } from "./cards.tsx";
import { Configuration } from "./config.tsx";
import { Curves } from "./curves.tsx";
import { DeleteDialog, DeleteRun } from "./delete-run.tsx";
import { Samples } from "./samples.tsx";
import { act, fileOf } from "./server-board.ts";
import { bestText, progressText } from "./words.ts";

export function RunView({ run, canTrain }: { run: WatchedRun; canTrain: boolean }) {
  const { detail } = run;
  const onServer = useDashboard().home.kind === "server";
  return (
    <>
      <p>
        <a href={addressOf({ page: "runs" })}>All runs</a>
      </p>
      <h1>{detail.name}</h1>
      <div class="row">
        <StateChip run={detail} />
        <span aria-live="polite">{progressText(detail)}</span>
        {detail.imagesPerSecond !== undefined && (
          <span class="soft">{detail.imagesPerSecond.toPrecision(3)} pictures/s</span>
        )}
        {bestText(detail) && <span class="soft">{bestText(detail)}</span>}
      </div>
      <Progress run={detail} />
      {canTrain && <Actions run={detail} />}
      {!onServer && <StoredActions run={detail} />}
      {detail.failure && <Note bad>The training {detail.failure}</Note>}
      {detail.alarms.map(({ kind, epoch, text, advice }) => (
        <Note key={kind}>
          <b>Since epoch {epoch}:</b> {text} {onServer ? advice : inWords(advice)}
        </Note>
      ))}
      <Samples runs={[detail]} />
      <Curves runs={[run]} />
      {onServer && <ServerLinks run={detail} />}
      <Configuration runs={[detail]} />
    </>
  );
}

function Actions({ run }: { run: RunDetail }) {
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [asking, ask] = useState<"more" | "delete">();
  const attempt = async (what: Parameters<typeof act>[1], more: object = {}) => {
    ask(undefined);
    setBusy(true);
    setProblem(undefined);
    try {
      await act(run.name, what, more);
      if (what === "delete") location.hash = addressOf({ page: "runs" });
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const training = run.state === "training";
  return (
    <>
      <div class="row">
        {training && (
          <Button disabled={busy || run.trainer?.here === false} onClick={() => attempt("stop")}>
            Stop
          </Button>
        )}
        {(run.state === "stopped" || (run.state === "started" && !run.usable)) && (
          <Button primary disabled={busy} onClick={() => attempt("continue")}>
            Continue
          </Button>
        )}
        {!training && run.usable && run.state !== "imported" && (
          <Button disabled={busy} onClick={() => ask("more")}>
            Train more…
          </Button>
        )}
        {!training && (
          <Button plain disabled={busy} onClick={() => ask("delete")}>
            Delete…
          </Button>
        )}
      </div>
      {problem && <Note bad>{problem}</Note>}
      {asking === "more" && (
        <MoreDialog run={run} close={() => ask(undefined)} start={(more) => void attempt("continue", more)} />
      )}
      {asking === "delete" && (
        <DeleteDialog
          name={run.name}
          from="the disk"
          remove={() => void attempt("delete")}
          close={() => ask(undefined)}
        />
      )}
    </>
  );
}

interface MoreProps {
  run: RunDetail;
  close(): void;
  start(more: { epochs: number } | { steps: number }): void;
}

function MoreDialog({ run, close, start }: MoreProps) {
  const [count, setCount] = useState(10);
  const [unit, setUnit] = useState<"epochs" | "steps">("epochs");
  const valid = Number.isInteger(count) && count > 0;
  return (
    <Dialog title={`Train ${run.name} further`} close={close}>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (valid) start(unit === "epochs" ? { epochs: count } : { steps: count });
        }}
      >
        <label class="field">
          How many more
          <input
            type="number"
            min={1}
            step={1}
            value={count}
            onInput={({ currentTarget }) => setCount(currentTarget.valueAsNumber)}
          />
        </label>
        <label class="field">
          of
          <select value={unit} onChange={({ currentTarget }) => setUnit(currentTarget.value as typeof unit)}>
            <option value="epochs">epochs</option>
            <option value="steps">steps</option>
          </select>
        </label>
        <button type="submit" class="primary" disabled={!valid}>
          Train
        </button>
      </form>
    </Dialog>
  );
}

/** What the page Train can do with a run. */
function trainWords(run: RunDetail): string {
  if (run.state === "training") return "Watch or pause its training";
  if (run.state === "imported") return "Translate pictures, save it as a file";
  return run.usable ? "Train it further, translate pictures, save it as a file" : "Train it further";
}

function StoredActions({ run }: { run: RunDetail }) {
  const { name, usable, state } = run;
  return (
    <div class="row">
      {usable && <a href={addressOf({ page: "studio", run: name })}>Draw with it</a>}
      <a href={addressOf({ page: "train", run: name })}>{trainWords(run)}</a>
      <DeleteRun key={name} name={name} training={state === "training"} />
    </div>
  );
}

const onnxOf = (name: string, epoch: string, precision: Precision): string =>
  `${runPath(name)}/onnx?${new URLSearchParams({ epoch, precision })}`;

function ServerLinks({ run }: { run: RunDetail }) {
  const { name, pages, weights } = run;
  const address = `${location.origin}/${runPath(name)}/translate`;
  return (
    <section aria-labelledby="links-title">
      <h2 id="links-title">Use it</h2>
      <ul class="links">
        {run.usable && (
          <li>
            <a href={addressOf({ page: "studio", run: name })}>Draw with it</a>
          </li>
        )}
        {pages.map(({ title, file }) => (
          <li key={file}>
            <a href={fileOf(name, file)}>{title}</a>
          </li>
        ))}
        {weights.map((label) => (
          <li key={label}>
            weights {label}: <a href={fileOf(name, weightsFile(label, "G"))}>safetensors</a>,{" "}
            <a href={onnxOf(name, label, "float32")}>ONNX</a>{" "}
            <span class="soft">
              (<a href={onnxOf(name, label, "float16")}>float16</a>, <a href={onnxOf(name, label, "int8")}>int8</a>)
            </span>
          </li>
        ))}
      </ul>
      {run.usable && (
        <section aria-label="Examples for programs">
          <pre>{`curl --data-binary @input.png -H "Content-Type: image/png" ${address} -o output.png

const response = await fetch("${address}", { method: "POST", body: file });
const output = await response.blob();`}</pre>
        </section>
      )}
    </section>
  );
}
