/** Small parts that all pages use: buttons, sliders, choices, notes. */
import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface ButtonProps extends ButtonHTMLAttributes {
  /** The one action that a section is for. */
  primary?: boolean;
  plain?: boolean;
  children: ComponentChildren;
}

export function Button({ primary, plain, children, ...rest }: ButtonProps) {
  const kind = primary ? "primary" : plain ? "plain" : "";
  return (
    <button type="button" class={kind} {...rest}>
      {children}
    </button>
  );
}

interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  /** The value as it is shown and read out. Default: the number. */
  text?: string;
  change(value: number): void;
}

export function Slider({ label, value, min, max, step = 1, text = String(value), change }: SliderProps) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        {...{ min, max, step, value }}
        aria-valuetext={text}
        onInput={({ currentTarget }) => change(Number(currentTarget.value))}
      />
      <output for={id}>{text}</output>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; text: string }[];
  change(value: T): void;
}

/** A list of which one entry is chosen. */
export function Choice<T extends string>({ label, value, options, change }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={({ currentTarget }) => change(currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A notice for the user. `bad`: something failed; screen readers read it out at once. */
export function Note({ bad = false, children }: { bad?: boolean; children: ComponentChildren }) {
  return (
    <div class={bad ? "notice bad" : "notice"} role={bad ? "alert" : "status"}>
      {children}
    </div>
  );
}
