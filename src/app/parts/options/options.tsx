/** All options of a training, by their declarations in src/config: groups, search, values that differ from the defaults. */
import { useState } from "preact/hooks";
import { type CheckedForm, type Given, labelOf } from "../../../config/form.ts";
import type { OptionSpec } from "../../../config/options.ts";
import { Note } from "../basics.tsx";
import { OptionField } from "./field.tsx";

interface OptionFormProps {
  fields: readonly OptionSpec[];
  /** The values that hold where the user gives none, by key. */
  initial: Readonly<Record<string, unknown>>;
  given: Given;
  checked: CheckedForm;
  /** Options that cannot change. Default: none. */
  fixed?(spec: OptionSpec): boolean;
  change(given: Given): void;
}

export function OptionForm({ fields, initial, given, checked, fixed = () => false, change }: OptionFormProps) {
  const [search, setSearch] = useState("");
  const found = fields.filter((spec) => matches(spec, search));
  const field = (spec: OptionSpec) => (
    <OptionField
      key={spec.key}
      spec={spec}
      initial={initial[spec.key] ?? spec.default}
      given={given[spec.key]}
      problem={checked.problems.get(spec.key)}
      fixed={fixed(spec)}
      change={(text) => change(changed(given, spec.key, text))}
    />
  );
  // The profile stands above the others, whose defaults it sets.
  const profile = fields.find(({ key }) => key === "profile");
  const rest = found.filter((spec) => spec !== profile);
  return (
    <div class="options-form">
      <div class="options-top">
        {profile && field(profile)}
        <label class="field">
          Find an option
          <input
            type="search"
            value={search}
            placeholder="learning rate, flip, loss…"
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </label>
      </div>
      {checked.others.map((problem) => (
        <Note key={problem} bad>
          {problem}
        </Note>
      ))}
      {search.trim() !== "" ? (
        <>
          <p class="soft small" role="status">
            {rest.length === 0 ? "No option matches these words." : `${rest.length} of ${fields.length} options`}
          </p>
          <div class="options-fields">{rest.map(field)}</div>
        </>
      ) : (
        groupsOf(rest).map(([group, specs]) => (
          <Group key={group} {...{ group, specs, given, checked }}>
            {specs.map(field)}
          </Group>
        ))
      )}
    </div>
  );
}

interface GroupProps extends Pick<OptionFormProps, "given" | "checked"> {
  group: string;
  specs: readonly OptionSpec[];
  children: preact.ComponentChildren;
}

/** Attributes of <details> that an invalid value opens. They stay open when it has been corrected. */
export function useOpened(wrong: boolean) {
  const [opened, open] = useState(false);
  return {
    open: opened || wrong,
    onToggle: ({ currentTarget }: preact.TargetedToggleEvent<HTMLDetailsElement>) => open(currentTarget.open),
  };
}

/** A group renders its fields while it is open. */
function Group({ group, specs, given, checked, children }: GroupProps) {
  const details = useOpened(specs.some(({ key }) => checked.problems.has(key)));
  const changes = specs.filter(({ key }) => key in given).length;
  return (
    <details class="options-group" {...details}>
      <summary>
        <span class="name">{group}</span> {specs.length} {specs.length === 1 ? "option" : "options"}
        {changes > 0 && <b>, {changes} changed</b>}
      </summary>
      {details.open && <div class="options-fields">{children}</div>}
    </details>
  );
}

function groupsOf(specs: readonly OptionSpec[]): [string, OptionSpec[]][] {
  const groups = [...new Set(specs.map(({ group }) => group))];
  return groups.map((group) => [group, specs.filter((spec) => spec.group === group)]);
}

/** Whether all words are in the name, the help or the choices. */
function matches(spec: OptionSpec, search: string): boolean {
  const { key, flag, help, group, kinds = {}, choices = [] } = spec;
  const kindTexts = Object.values(kinds).map((kind) => kind.help);
  const text = [key, flag, labelOf(spec), help, group, ...choices, ...kindTexts].join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function changed(given: Given, key: string, text: string | undefined): Given {
  const { [key]: _, ...others } = given;
  return text === undefined ? others : { ...others, [key]: text };
}
