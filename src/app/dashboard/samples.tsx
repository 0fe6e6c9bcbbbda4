/** The strips of samples of one or several runs, moved through the epochs by one slider. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { sampleColumns, stripGap } from "../../report/compose.ts";
import type { SampleEntry } from "../../run/run.ts";
import { Choice, Slider } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { PatchMaps } from "../parts/patch-map.tsx";
import { Wipe } from "../parts/wipe.tsx";
import { type RunDetail, useAddress, useDashboard } from "./board.ts";

type View = "side" | "wipe" | "difference" | "patches";
const views = [
  { value: "side", text: "side by side" },
  { value: "wipe", text: "wiped over the target" },
  { value: "difference", text: "difference to the target" },
  { value: "patches", text: "the discriminator's map" },
] as const;

/** A place on the slider: the end of an epoch, or a step within one. */
interface Place {
  epoch: number;
  step?: number | undefined;
}

/** Orders places: the steps within an epoch come before its end, and after the end of the epoch before. */
const atOf = ({ epoch, step }: Place): number => (step === undefined ? epoch : epoch - 1 + 1e-9 * step + 1e-6);
const textOf = ({ epoch, step }: Place): string =>
  step === undefined ? `epoch ${epoch}` : `epoch ${epoch}, step ${step}`;

export function Samples({ runs }: { runs: readonly RunDetail[] }) {
  const places = useMemo(() => placesOf(runs), [runs]);
  // Undefined: the newest, also while new ones come.
  const [chosen, choose] = useState<number>();
  const [view, setView] = useState<View>("side");
  const [large, enlarge] = useState<{ run: RunDetail; entry: SampleEntry }>();
  if (places.length === 0) {
    return runs.every(({ state }) => state === "imported") ? null : (
      <p class="soft">The first sample comes with the end of the first epoch.</p>
    );
  }
  const index = Math.min(chosen ?? places.length - 1, places.length - 1);
  const place = places[index]!;
  const change = (value: number) => choose(value === places.length - 1 ? undefined : value);
  return (
    <section aria-labelledby="samples-title">
      <h2 id="samples-title">Samples</h2>
      <div class="row">
        <div class="epochs">
          <Slider label="Epoch" value={index} min={0} max={places.length - 1} text={textOf(place)} change={change} />
        </div>
        <Choice label="Outputs" value={view} options={views} change={(value: View) => setView(value)} />
      </div>
      <div class="strips">
        {runs.map((run) => {
          const { name, samples } = run;
          const entry = nearest(samples, place);
          return (
            <figure key={name} class="strip">
              <figcaption>
                {runs.length > 1 && <b>{name} </b>}
                <span class="soft">{entry ? textOf(entry) : "nothing yet"}</span>
              </figcaption>
              {entry && (
                <>
                  {view === "patches" ? (
                    <Judged run={run} entry={entry} />
                  ) : (
                    <StripView run={run} file={entry.file} view={view} label={`${name}, ${textOf(entry)}`} />
                  )}
                  <button type="button" class="plain" onClick={() => enlarge({ run, entry })}>
                    Enlarge<span class="unseen"> the sample of {name}</span>
                  </button>
                </>
              )}
            </figure>
          );
        })}
      </div>
      {large && (
        <Dialog title={`${large.run.name}, ${textOf(large.entry)}`} close={() => enlarge(undefined)}>
          <Enlarged run={large.run} file={large.entry.file} />
        </Dialog>
      )}
    </section>
  );
}

/** A sample under the maps of the run's discriminator, by its newest weights. */
function Judged({ run, entry: { file, ...place } }: { run: RunDetail; entry: SampleEntry }) {
  const { name } = run;
  const { home } = useDashboard();
  const src = useAddress(run, file);
  const judge = useCallback(() => home.judge!(name, file), [home, name, file]);
  return src === undefined ? null : <PatchMaps src={src} judge={judge} of={`${name}, ${textOf(place)}`} />;
}

function Enlarged({ run, file }: { run: RunDetail; file: string }) {
  const src = useAddress(run, file);
  return <img class="enlarged" src={src} alt="Input, output and target of a few pairs, enlarged" />;
}

/** All places that any run has a strip of, in order. */
function placesOf(runs: readonly RunDetail[]): Place[] {
  const found = new Map<number, Place>();
  for (const { samples } of runs) for (const entry of samples) found.set(atOf(entry), entry);
  return [...found].sort(([a], [b]) => a - b).map(([, place]) => place);
}

/** The last strip at or before a place, else the first one. */
function nearest(samples: readonly SampleEntry[], place: Place): SampleEntry | undefined {
  return samples.findLast((entry) => atOf(entry) <= atOf(place)) ?? samples[0];
}

/** The headings of a strip in each view. */
const headings: Readonly<Record<Exclude<View, "patches">, readonly string[]>> = {
  side: sampleColumns,
  wipe: ["input", "output | target"],
  difference: ["input", "difference", "target"],
};

interface StripProps {
  run: RunDetail;
  file: string;
  view: Exclude<View, "patches">;
  label: string;
}

/** One PNG with the columns of `sampleColumns`. */
function StripView({ run, file, view, label }: StripProps) {
  const { image, failed } = useImage(useAddress(run, file));
  const [input, output, target] = [0, 1, 2].map((column) => (
    <Column key={column} {...{ image, column }} label={`${sampleColumns[column]}: ${label}`} />
  ));
  const shape = image ? columnOf(image) : { width: 1, height: 1 };
  const frame = { aspectRatio: `${shape.width} / ${shape.height}` };
  if (failed) return <p class="soft">This sample cannot be read: its file is damaged.</p>;
  return (
    <>
      <div class="strip-names soft small" aria-hidden="true">
        {headings[view].map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <div class="strip-columns">
        <div style={frame}>{input}</div>
        {view === "side" && <div style={frame}>{output}</div>}
        {view === "difference" && (
          <div style={frame}>
            <Column image={image} column={1} minus={2} label={`difference of output and target: ${label}`} />
          </div>
        )}
        {view === "wipe" ? (
          <div style={frame}>
            <Wipe before={output} after={target} label="How much of the output is shown over the target" />
          </div>
        ) : (
          <div style={frame}>{target}</div>
        )}
      </div>
    </>
  );
}

interface ColumnProps {
  image: HTMLImageElement | undefined;
  column: number;
  /** The column whose difference is shown, four times as bright. */
  minus?: number;
  label: string;
}

const columnOf = ({ naturalWidth, naturalHeight }: HTMLImageElement) => ({
  width: Math.floor((naturalWidth - 2 * stripGap) / 3),
  height: naturalHeight,
});

function Column({ image, column, minus, label }: ColumnProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const small = image !== undefined && columnOf(image).width < 200;
  useEffect(() => {
    if (!image) return;
    const { width, height } = columnOf(image);
    const place = canvas.current!;
    Object.assign(place, { width, height });
    const context = place.getContext("2d")!;
    const draw = (at: number) =>
      context.drawImage(image, at * (width + stripGap), 0, width, height, 0, 0, width, height);
    draw(column);
    if (minus === undefined) return;
    const own = context.getImageData(0, 0, width, height);
    draw(minus);
    const other = context.getImageData(0, 0, width, height);
    for (let i = 0; i < own.data.length; i++) {
      // What lies between the pictures stays transparent.
      if (i % 4 < 3) own.data[i] = Math.min(255, 4 * Math.abs(own.data[i]! - other.data[i]!));
    }
    context.putImageData(own, 0, 0);
  }, [image, column, minus]);
  return <canvas ref={canvas} role="img" aria-label={label} style={{ imageRendering: small ? "pixelated" : "auto" }} />;
}

/** Pictures that were loaded, so that the slider moves without waiting. */
const loaded = new Map<string, Promise<HTMLImageElement>>();
const mostLoaded = 300;

function imageOf(src: string): Promise<HTMLImageElement> {
  const known = loaded.get(src);
  if (known) return known;
  const image = new Image();
  image.src = src;
  const decoded = image.decode().then(() => image);
  loaded.set(src, decoded);
  decoded.catch(() => loaded.delete(src));
  const [oldest] = loaded.keys();
  if (loaded.size > mostLoaded && oldest !== undefined) loaded.delete(oldest);
  return decoded;
}

/** The picture of an address; until it is loaded or has failed, the one before. */
function useImage(src: string | undefined): { image?: HTMLImageElement; failed?: boolean } {
  const [found, set] = useState<{ image?: HTMLImageElement; failed?: boolean }>({});
  useEffect(() => {
    if (src === undefined) return;
    let wanted = true;
    imageOf(src).then(
      (image) => wanted && set({ image }),
      () => wanted && set({ failed: true }),
    );
    return () => {
      wanted = false;
    };
  }, [src]);
  return found;
}
