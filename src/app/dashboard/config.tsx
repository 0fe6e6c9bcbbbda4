/** The options of runs: all of one, or those in which several differ. */
import { useState } from "preact/hooks";
import { optionsOf } from "../../config/options.ts";
import { configSchema } from "../../config/schema.ts";
import type { RunDetail } from "./board.ts";

/** The names by which a user gives the options: the flags without their dashes, by key. */
const names = new Map(optionsOf(configSchema).map(({ key, flag }) => [key, flag.slice(2)]));

const shown = (value: unknown): string => (value === undefined ? "–" : String(value));

export function Configuration({ runs }: { runs: readonly RunDetail[] }) {
  const several = runs.length > 1;
  const [all, setAll] = useState(false);
  const configs = runs.map(({ config }) => config as unknown as Readonly<Record<string, unknown>>);
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))].filter((key) => key !== "name");
  const differing = keys.filter((key) => new Set(configs.map((config) => shown(config[key]))).size > 1);
  const rows = several && !all ? differing : keys;
  return (
    <section aria-labelledby="config-title">
      <h2 id="config-title">{several ? "Options that differ" : "Options"}</h2>
      {several && (
        <label class="tick">
          <input type="checkbox" checked={all} onChange={({ currentTarget }) => setAll(currentTarget.checked)} /> all
          options
        </label>
      )}
      {several ? (
        <Table {...{ runs, configs, rows, differing }} />
      ) : (
        <details>
          <summary>{runs[0]?.about}</summary>
          <Table {...{ runs, configs, rows }} differing={[]} />
        </details>
      )}
    </section>
  );
}

interface TableProps {
  runs: readonly RunDetail[];
  configs: readonly Readonly<Record<string, unknown>>[];
  /** Keys of options. */
  rows: readonly string[];
  differing: readonly string[];
}

function Table({ runs, configs, rows, differing }: TableProps) {
  if (rows.length === 0) return <p class="soft">These runs have the same options.</p>;
  return (
    <section class="scroll" tabindex={0} aria-label="Options">
      <table class="options">
        <thead>
          <tr>
            <th scope="col">option</th>
            {runs.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((key) => (
            <tr key={key} class={differing.includes(key) ? "differs" : ""}>
              <th scope="row">{names.get(key) ?? key}</th>
              {configs.map((config, i) => (
                <td key={runs[i]!.name}>{shown(config[key])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
