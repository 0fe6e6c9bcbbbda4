/** The output beside the sheet, or wiped over it; its samples, its target and its scores. */
import { useMemo } from "preact/hooks";
import { l1, psnr, ssim } from "../../metrics/pictures.ts";
import type { Picture } from "../../platform.ts";
import { Note } from "../parts/basics.tsx";
import { PictureView } from "../parts/picture.tsx";
import { Wipe } from "../parts/wipe.tsx";
import { fast } from "./live.ts";
import { asRgb } from "./raster.ts";
import type { SheetState } from "./sheet.ts";
import type { Outputs } from "./use-output.ts";

export type View = "side" | "wipe";

interface OutputPaneProps {
  outputs: Outputs;
  state: SheetState;
  view: View;
  /** The sample that is shown large, 0 for the first. */
  chosen: number;
  choose(sample: number): void;
}

export function OutputPane({ outputs, state, view, chosen, choose }: OutputPaneProps) {
  const { samples, error, picture, input } = outputs;
  const all = picture ? [picture, ...samples] : [];
  const shown = all[chosen] ?? picture;
  const { width, height } = state.picture;
  return (
    <>
      <div class="output" style={{ "--ratio": width / height }} aria-busy={outputs.busy}>
        {shown && view === "side" && <PictureView picture={shown} label="Output" />}
        {shown && input && view === "wipe" && (
          <Wipe
            label="Line between drawing and output"
            before={<PictureView picture={input} label="Drawing" />}
            after={<PictureView picture={shown} label="Output" />}
          />
        )}
        {!shown && !error && <p class="waiting">Loading the generator…</p>}
      </div>
      {error && <Note bad>{error}</Note>}
      {all.length > 1 && (
        <fieldset class="samples">
          <legend class="unseen">Samples</legend>
          {all.map((sample, i) => (
            <button
              type="button"
              key={i}
              aria-pressed={i === chosen}
              aria-label={`Sample ${i + 1}`}
              onClick={() => choose(i)}
            >
              <PictureView picture={sample} label={`Sample ${i + 1}`} />
            </button>
          ))}
        </fieldset>
      )}
      {state.target && shown && (
        <Target target={state.target} output={outputs.source === state.picture ? shown : undefined} />
      )}
    </>
  );
}

/** "38 ms", with a title that says when outputs are computed. Before the time is known: "computing…" while a translation runs. */
export function Latency({ milliseconds, busy }: Pick<Outputs, "milliseconds" | "busy">) {
  if (milliseconds === undefined) return busy ? <span class="computing">computing…</span> : null;
  const text = milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  const follows = milliseconds < fast;
  const title = follows ? "The output follows your stroke." : "The output comes at the end of a stroke.";
  return (
    <span class={follows ? "latency fast" : "latency"} title={title}>
      {text}
    </span>
  );
}

/** @param output undefined while it is computed */
function Target({ target, output }: { target: Picture; output: Picture | undefined }) {
  const scores = useMemo(() => (output ? scoresOf(asRgb(output), target) : []), [output, target]);
  return (
    <div class="target">
      <figure>
        <figcaption class="target-title">Target</figcaption>
        <PictureView picture={target} label="Target" />
      </figure>
      <dl class="facts">
        {scores.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** SSIM's window is 11 pixels wide. */
const leastForSsim = 11;

function scoresOf(output: Picture, target: Picture): [string, string][] {
  if (target.width !== output.width || target.height !== output.height) return [];
  if (Math.min(target.width, target.height) < leastForSsim) return [];
  return [
    ["L1", l1(output, target).toFixed(3)],
    ["PSNR", `${psnr(output, target).toFixed(1)} dB`],
    ["SSIM", ssim(output, target).toFixed(3)],
  ];
}
