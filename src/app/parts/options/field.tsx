/** The field of one option: name, value, range or choices, help, and a message where the value is invalid. */
import { useId } from "preact/hooks";
import { hintOf, inWords, labelOf, textOf } from "../../../config/form.ts";
import type { OptionSpec } from "../../../config/options.ts";

interface FieldProps {
  spec: OptionSpec;
  /** The value that holds where the user gives none: the default, or that of the profile. */
  initial: unknown;
  /** The user's value as text; undefined where the user gives none. */
  given: string | undefined;
  problem: string | undefined;
  /** The option cannot be changed. */
  fixed: boolean;
  change(text: string | undefined): void;
}

export function OptionField(props: FieldProps) {
  const { spec, given, initial, problem, fixed, change } = props;
  const id = useId();
  const [hint, wrong] = [`${id}-hint`, `${id}-wrong`];
  const value = given ?? textOf(initial);
  const kind = spec.kinds?.[value]?.help;
  const described = { "aria-describedby": problem ? `${wrong} ${hint}` : hint, "aria-invalid": problem !== undefined };
  const control = <Control {...{ spec, given, initial, fixed, change, id, described }} />;
  return (
    <div class={`option${given !== undefined ? " changed" : ""}`} data-option={spec.key}>
      <div class="option-name">
        {spec.type === "boolean" && control}
        <label for={id}>{labelOf(spec)}</label>
        {given !== undefined && (
          <button
            type="button"
            class="plain"
            aria-label={`Reset ${labelOf(spec)}`}
            title={`back to ${textOf(initial) || inWords(spec.absent ?? "none")}`}
            onClick={() => change(undefined)}
          >
            reset
          </button>
        )}
      </div>
      {spec.type !== "boolean" && control}
      {problem && (
        <p class="option-problem" id={wrong}>
          {problem}
        </p>
      )}
      <p class="option-help" id={hint}>
        {[hintOf(spec), kind ? `${value}: ${inWords(kind)}` : ""].filter(Boolean).map((text) => (
          <span key={text}>{text}</span>
        ))}
        <span>{inWords(spec.help)}</span>
      </p>
    </div>
  );
}

interface ControlProps extends Pick<FieldProps, "spec" | "given" | "initial" | "fixed" | "change"> {
  id: string;
  described: { "aria-describedby": string; "aria-invalid": boolean };
}

function Control({ spec, given, initial, fixed, change, id, described }: ControlProps) {
  const value = given ?? textOf(initial);
  const give = (text: string) => change(text === textOf(initial) ? undefined : text);
  const common = { id, disabled: fixed, ...described };
  if (spec.type === "boolean") {
    return (
      <input
        type="checkbox"
        {...common}
        checked={value === "true"}
        onChange={({ currentTarget }) => give(String(currentTarget.checked))}
      />
    );
  }
  if (spec.choices) {
    return (
      <select {...common} value={value} onChange={({ currentTarget }) => give(currentTarget.value)}>
        {spec.choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  const numeric = spec.type === "integer" ? "numeric" : spec.type === "number" ? "decimal" : "text";
  return (
    <input
      type="text"
      inputMode={numeric}
      autocomplete="off"
      spellcheck={false}
      {...common}
      value={given ?? ""}
      placeholder={textOf(initial) || inWords(spec.absent ?? "")}
      onInput={({ currentTarget }) => change(currentTarget.value.trim() === "" ? undefined : currentTarget.value)}
    />
  );
}
