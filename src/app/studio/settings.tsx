/** How the generator is used: its weights, the number of samples, dropout, statistics, the size of uploaded pictures. */
import { useEffect, useState } from "preact/hooks";
import { namesOf } from "../../config/names.ts";
import { knownInputs } from "../../data/drawing.ts";
import type { OpenRun, TranslateSettings } from "../home.ts";
import { assumedText } from "../parts/assumed.ts";
import { Choice, Slider } from "../parts/basics.tsx";
import type { SizeRule } from "./incoming.ts";

export interface StudioSettings extends TranslateSettings {
  /** Number of outputs. */
  samples: number;
  size: SizeRule;
}

export const usual: StudioSettings = { samples: 1, size: "fit" };
const mostSamples = 8;
const mostSeed = 99;

interface SettingsProps {
  run: OpenRun;
  settings: StudioSettings;
  change(part: Partial<StudioSettings>): void;
  /** Called when what the run takes was changed. */
  renewed(): void;
}

export function Settings({ run, settings, change, renewed }: SettingsProps) {
  const epochs = useEpochs(run);
  return (
    <details class="settings">
      <summary>Settings</summary>
      <div class="fields">
        {run.setDrawing && <Takes {...{ run, renewed }} />}
        {epochs.length > 1 && (
          <Choice
            label="Weights"
            value={settings.epoch ?? "latest"}
            options={epochs.map((value) => ({ value, text: /^\d+$/.test(value) ? `epoch ${value}` : value }))}
            change={(epoch) => change({ epoch })}
          />
        )}
        {run.stochastic && <Sampling {...{ settings, change }} />}
        {run.batchNorms && (
          <OptionalChoice
            label="Statistics of batch norms"
            value={settings.statistics}
            options={[
              { value: "batch", text: "of this picture" },
              { value: "running", text: "running, from training" },
            ]}
            change={(statistics) => change({ statistics })}
          />
        )}
        <Choice
          label="Size of uploaded pictures"
          value={settings.size}
          options={[
            { value: "fit", text: `about ${run.width} x ${run.height}, as in training` },
            { value: "original", text: "their own" },
          ]}
          change={(size) => change({ size })}
        />
      </div>
      {run.assumed && <p class="soft small">{assumedText(run.assumed)}</p>}
    </details>
  );
}

/** The known kinds of inputs, to choose from. */
export const knownChoices = namesOf(knownInputs).map((value) => ({ value, text: knownInputs[value].help }));

/** What an opened model takes: its files do not say it. */
function Takes({ run, renewed }: Pick<SettingsProps, "run" | "renewed">) {
  const shown = JSON.stringify(run.drawing);
  const found = knownChoices.find(({ value }) => JSON.stringify(knownInputs[value].kit) === shown)?.value;
  const other = { value: "example", text: "pictures like the example" } as const;
  return (
    <Choice<keyof typeof knownInputs | "example">
      label="Inputs of this model"
      value={found ?? "example"}
      options={found ? knownChoices : [other, ...knownChoices]}
      change={(kind) => {
        if (kind !== "example") void run.setDrawing!(knownInputs[kind].kit).then(renewed);
      }}
    />
  );
}

/** The number of outputs of a generator with dropout, the seed of its masks, and whether dropout is on. */
function Sampling({ settings, change }: Pick<SettingsProps, "settings" | "change">) {
  return (
    <>
      <Slider
        {...{ label: "Samples", value: settings.samples, min: 1, max: mostSamples }}
        change={(samples) => change({ samples })}
      />
      <Slider
        {...{ label: "Seed", value: settings.seed ?? 0, min: 0, max: mostSeed }}
        change={(seed) => change({ seed })}
      />
      <OptionalChoice
        label="Dropout"
        value={settings.dropout}
        options={[
          { value: "on", text: "on" },
          { value: "off", text: "off" },
        ]}
        change={(dropout) => change({ dropout })}
      />
    </>
  );
}

interface OptionalChoiceProps<T extends string> {
  label: string;
  value: T | undefined;
  options: readonly { value: T; text: string }[];
  change(value: T | undefined): void;
}

/** A choice whose first entry leaves the setting to the run. */
function OptionalChoice<T extends string>({ label, value, options, change }: OptionalChoiceProps<T>) {
  const all = [{ value: "" as const, text: "the run's" }, ...options];
  return (
    <Choice<T | ""> {...{ label, options: all }} value={value ?? ""} change={(chosen) => change(chosen || undefined)} />
  );
}

function useEpochs(run: OpenRun): readonly string[] {
  const [epochs, set] = useState<readonly string[]>([]);
  useEffect(() => {
    run.epochs().then(set, () => set([]));
  }, [run]);
  return epochs;
}
