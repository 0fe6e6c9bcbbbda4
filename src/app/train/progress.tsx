/** The state of a run: progress, samples and curves. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ganLosses } from "../../nn/losses.ts";
import { chartCss } from "../../report/chart.ts";
import { sampleColumns, stripGap } from "../../report/compose.ts";
import { count, fixed } from "../../report/html.ts";
import { lossCharts } from "../../report/run-page.ts";
import { bestScore, scoreValue } from "../../run/logs.ts";
import { duration } from "../../text.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { Button } from "../parts/basics.tsx";
import { PatchMaps } from "../parts/patch-map.tsx";
import { runOf, type StoredRun } from "./runs.ts";
import type { SessionState } from "./session.ts";
import { checkpointsDir } from "./storage.ts";
import { inPageWords } from "./words.ts";

/** Thumbnails of earlier samples. */
const filmLength = 24;

interface ProgressProps {
  client: Client;
  state: SessionState;
  run: StoredRun;
}

export function Progress({ client, state, run }: ProgressProps) {
  const { report, said, curves, samples, phase } = state;
  const { config, losses } = run;
  const last = losses.at(-1);
  const step = report?.step ?? last?.step;
  const lastStep = report?.lastStep ?? run.lastStep ?? step ?? 1;
  return (
    <div id="progress">
      {step !== undefined && (
        <>
          <div
            class="bar"
            role="progressbar"
            aria-label="steps done"
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.floor((100 * step) / lastStep)}
          >
            <div style={{ width: `${(100 * step) / lastStep}%` }} />
          </div>
          <dl id="facts" class="facts">
            {factsOf(state, run, step, lastStep).map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
      {phase === "training" && said && <p class="soft small">{said}</p>}
      <Samples key={config.name} {...{ config, client }} version={samples} usable={state.usable === config.name} />
      <Curves {...{ run }} version={curves} />
    </div>
  );
}

function factsOf({ report }: SessionState, { config, losses, scores }: StoredRun, step: number, lastStep: number) {
  const facts: [string, string][] = [
    ["step", `${count(step)} of ${count(lastStep)}`],
    ["epoch", count(report?.epoch ?? losses.at(-1)?.epoch ?? 1)],
  ];
  if (report) {
    facts.push(["pictures a second", fixed(report.imagesPerSecond, 1)], ["time left", duration(report.secondsLeft)]);
  }
  const best = bestScore(scores, config.valMetric);
  if (best)
    facts.push([
      `best ${config.valMetric}`,
      `${scoreValue(best, config.valMetric)!.toPrecision(4)} in epoch ${best.epoch}`,
    ]);
  return facts;
}

/** The charts of the losses. @param version grows when they are to be drawn again: losses are appended to the same list */
function Curves({ run: { losses, config }, version }: { run: StoredRun; version: number }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { ganMode, lambdaL1, lambdaGan } = config;
    const adversarial = lambdaGan > 0 ? ganLosses[ganMode].chart : undefined;
    const open = box.current!.querySelector("details")?.open ?? false;
    box.current!.innerHTML =
      losses.length > 1 ? `<style>${chartCss}</style>${lossCharts({ losses, adversarial, lambdaL1 })}` : "";
    const note = box.current!.querySelector("details");
    if (note) note.open = open;
  }, [losses, config, version]);
  return <div id="losses" ref={box} />;
}

interface Sample {
  file: string;
  when: string;
  url: string;
}

interface SamplesProps extends Pick<StoredRun, "config">, Pick<ProgressProps, "client"> {
  version: number;
  /** Whether the run has weights, so that the maps of its discriminator can be computed. */
  usable: boolean;
}

/** The newest samples, and earlier ones as thumbnails to choose from. */
function Samples({ config, client, version, usable }: SamplesProps) {
  const made = useSamples(config.name, version);
  const [chosen, choose] = useState<string>();
  const [judging, setJudging] = useState(false);
  const shown = made.find(({ file }) => file === chosen) ?? made.at(-1);
  if (!shown) return null;
  const rendering = { imageRendering: config.cropSize < 200 ? "pixelated" : "auto" };
  return (
    <figure id="sample">
      <figcaption>
        <span id="sample-title">Samples {shown.when}</span>{" "}
        <span class="soft small">of pairs kept from training, if there are any</span>
      </figcaption>
      <div class="columns soft" style={{ gap: `${(100 * stripGap) / (3 * config.cropSize + 2 * stripGap)}%` }}>
        {sampleColumns.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <img
        id="sample-picture"
        src={shown.url}
        style={rendering}
        alt={`Samples ${shown.when}: input, output and target in a row for each pair`}
      />
      {usable && config.lambdaGan > 0 && (
        <Button plain id="judge" aria-pressed={judging} onClick={() => setJudging(!judging)}>
          {judging ? "Hide the discriminator's map" : "Show the discriminator's map"}
        </Button>
      )}
      {usable && judging && <Judged {...{ client, shown }} name={config.name} />}
      <fieldset id="film" class="film" aria-label="Samples of earlier epochs">
        {made.toReversed().map(({ file, when, url }) => (
          <button
            key={file}
            type="button"
            title={when}
            class={file === shown.file ? "shown" : ""}
            aria-pressed={file === shown.file}
            onClick={() => choose(file === made.at(-1)?.file ? undefined : file)}
          >
            <img src={url} alt={when} />
          </button>
        ))}
      </fieldset>
    </figure>
  );
}

/** The sample under the maps of the discriminator of the newest checkpoint. */
function Judged({ client, name, shown: { file, url, when } }: { client: Client; name: string; shown: Sample }) {
  const judge = useCallback(
    () => inPageWords(client.judgeSamples({ name, checkpointsDir }, file)),
    [client, name, file],
  );
  return <PatchMaps src={url} judge={judge} of={when} />;
}

/** The samples of a run as addresses of their pictures, oldest first. */
function useSamples(name: string, version: number): readonly Sample[] {
  const [made, set] = useState<readonly Sample[]>([]);
  const known = useRef(new Map<string, Sample>());
  useEffect(() => {
    let wanted = true;
    const look = async () => {
      const run = runOf(name);
      const all = await run.samples();
      const shown = all.length <= filmLength ? all : evenlySpaced(all, filmLength);
      const found = await Promise.all(
        shown.map(async ({ epoch, step, file }): Promise<Sample> => {
          const before = known.current.get(file);
          if (before) return before;
          const bytes = (await files.read(run.path(file))) as Uint8Array<ArrayBuffer>;
          return {
            file,
            when: whenOf(epoch, step),
            url: URL.createObjectURL(new Blob([bytes], { type: "image/png" })),
          };
        }),
      );
      // Each address holds its picture in memory, and a long run has thousands.
      const before = [...known.current.values()];
      const [kept, others] = wanted ? [found, before] : [before, found];
      for (const sample of others) if (!kept.includes(sample)) URL.revokeObjectURL(sample.url);
      known.current = new Map(kept.map((sample) => [sample.file, sample]));
      if (wanted) set(found);
    };
    look().catch(console.warn);
    return () => {
      wanted = false;
    };
  }, [name, version]);
  useEffect(
    () => () => {
      for (const { url } of known.current.values()) URL.revokeObjectURL(url);
    },
    [],
  );
  return made;
}

function whenOf(epoch: number, step: number | undefined): string {
  if (step === 0) return "before the first step";
  return step === undefined ? `after epoch ${epoch}` : `at step ${step}`;
}

/** `wanted` of the items, evenly spaced, the last among them. */
function evenlySpaced<T>(items: readonly T[], wanted: number): T[] {
  return Array.from({ length: wanted }, (_, i) => items[Math.round(((i + 1) * items.length) / wanted) - 1]!);
}
