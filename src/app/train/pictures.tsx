/** Section 1: choose the pairs, and see the first of them. */
import { useState } from "preact/hooks";
import { counted } from "../../text.ts";
import { heldOutOf } from "../../web/hold-out.ts";
import type { Picked } from "../../web/import.ts";
import { Button } from "../parts/basics.tsx";
import { takenFiles } from "../parts/pick.ts";
import { PictureView } from "../parts/picture.tsx";
import { dropped, type Pair, pickedOf } from "./data.ts";
import type { Session, SessionState } from "./session.ts";
import { holdOutSeed } from "./settings.ts";
import { type DataSet, shares } from "./storage.ts";

interface SectionProps {
  session: Session;
  state: SessionState;
}

export function Pictures({ session, state: { data, preview, pairsText, phase } }: SectionProps) {
  const [busy, setBusy] = useState(false);
  const attempt = async (work: () => Promise<unknown>) => {
    setBusy(true);
    await session.attempt(work);
    setBusy(false);
  };
  return (
    <section class="card" aria-labelledby="pictures-title">
      <h2 id="pictures-title">
        <b>1</b> Pictures
      </h2>
      <div class="choices">
        <button
          type="button"
          id="use-demo"
          class={`choice${data && !data.root ? " chosen" : ""}`}
          aria-pressed={data !== undefined && !data.root}
          disabled={busy}
          onClick={() => attempt(() => session.useBuiltIn())}
        >
          <span class="name">Built-in facades</span>
          <span>Label maps and drawn house fronts. The quickest way to see it work.</span>
        </button>
        <DropZone chosen={data?.root !== undefined} take={(found) => attempt(async () => session.take(await found))} />
      </div>
      <details>
        <summary>How pairs are laid out</summary>
        <ul>
          <li>one picture per pair, with the two sides next to each other, left and right; or</li>
          <li>
            two folders, <code>A</code> and <code>B</code>, with equal file names; or
          </li>
          <li>
            <code>x.jpg</code> beside <code>x.png</code>, photo and label map.
          </li>
        </ul>
        <p>
          Both pictures of a pair must line up. A few hundred pairs are a good start; folders <code>train</code> and{" "}
          <code>test</code> are recognised.
        </p>
      </details>
      <div id="pairs" hidden={pairsText === undefined}>
        <p class="row">
          <span id="pairs-text" role="status">
            {pairsText}
          </span>{" "}
          {preview.length > 0 && (
            <Button plain id="swap" disabled={busy} onClick={() => attempt(() => session.swap())}>
              ⇄ Swap input and target
            </Button>
          )}
        </p>
        <Preview pairs={preview} />
        {data?.share !== undefined && <HoldOut {...{ session, data }} locked={phase === "training"} />}
      </div>
    </section>
  );
}

/** Offers to keep some pairs from training. They are moved when the first training begins, and the choice is fixed from then on. */
function HoldOut({ session, data, locked }: { session: Session; data: DataSet; locked: boolean }) {
  const { share = 0, pairs } = data;
  return (
    <div class="row hold-out">
      <label class="field">
        Keep from training
        <select
          id="hold-out"
          value={String(share)}
          disabled={locked}
          aria-describedby="hold-out-help"
          onChange={({ currentTarget }) => session.keepShare(Number(currentTarget.value))}
        >
          {shares.map((each) => (
            <option key={each} value={String(each)}>
              {each === 0
                ? "none"
                : `${100 * each} %: ${counted(heldOutOf(pairs, { share: each, seed: holdOutSeed }).held, "pair")}`}
            </option>
          ))}
        </select>
      </label>
      <span id="hold-out-help" class="soft small">
        Samples and scores then come from pairs that the network has not seen. The choice is fixed when the first
        training begins.
      </span>
    </div>
  );
}

function Preview({ pairs }: { pairs: readonly Pair[] }) {
  return (
    <div id="preview" class="preview">
      {pairs.map(([input, target], i) => (
        <figure key={i}>
          <PictureView picture={input} label="input" />
          <span class="arrow">→</span>
          <PictureView picture={target} label="target" />
        </figure>
      ))}
    </div>
  );
}

/** Takes what is dropped on it, a folder or files. */
function DropZone({ chosen, take }: { chosen: boolean; take(found: Promise<Picked[]>): void }) {
  const [over, setOver] = useState(false);
  const dragged = (event: DragEvent) => {
    event.preventDefault();
    setOver(event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer) take(dropped(event.dataTransfer));
  };
  const picked = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    take(Promise.resolve(pickedOf(takenFiles(currentTarget))));
  };
  const endings = "image/*,.zip,.tar,.tgz,.tar.gz,.pth,.pt,.safetensors,.t7,.pict";
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop files; the links within do the same by the keyboard
    <div
      id="drop"
      class={`choice drop${over ? " over" : ""}${chosen ? " chosen" : ""}`}
      onDragOver={dragged}
      onDragLeave={dragged}
      onDrop={dragged}
    >
      <span class="name">Your own pairs</span>
      <span>
        Drop a folder, an archive, a project or a trained model here, or choose{" "}
        <label class="link">
          a folder
          <input type="file" id="pick-folder" class="unseen" {...{ webkitdirectory: true }} onChange={picked} />
        </label>{" "}
        or{" "}
        <label class="link">
          files
          <input type="file" id="pick-files" class="unseen" multiple accept={endings} onChange={picked} />
        </label>
        .
      </span>
    </div>
  );
}
