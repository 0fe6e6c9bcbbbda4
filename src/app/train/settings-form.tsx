/** The few settings that a new run needs. */
import type { Session, SessionState } from "./session.ts";
import { type Size, sizes } from "./settings.ts";

export function SettingsForm({ session, state: { settings } }: { session: Session; state: SessionState }) {
  const { name, size, steps, mirror } = settings;
  return (
    <form
      id="settings"
      onSubmit={(event) => {
        event.preventDefault();
        document.getElementById("start")?.click();
      }}
    >
      <fieldset class="segments">
        <legend>Picture size</legend>
        {Object.entries(sizes).map(([value, time]) => (
          <label key={value}>
            <input
              type="radio"
              name="size"
              value={value}
              checked={size === Number(value)}
              onChange={() => session.change({ size: Number(value) as Size })}
            />
            <span>
              {value} px<small>{time}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <label>
        Steps
        <input
          type="number"
          name="steps"
          {...{ min: 1, max: 1_000_000, step: 1, required: true, value: steps }}
          onInput={({ currentTarget }) => session.change({ steps: currentTarget.value })}
        />
      </label>
      <label>
        Name
        <input
          type="text"
          name="name"
          maxlength={60}
          autocomplete="off"
          value={name}
          onInput={({ currentTarget }) => session.change({ name: currentTarget.value })}
        />
      </label>
      <label class="check" id="mirror">
        <input
          type="checkbox"
          name="mirror"
          checked={mirror}
          onChange={({ currentTarget }) => session.change({ mirror: currentTarget.checked })}
        />{" "}
        Mirror pairs at random
      </label>
    </form>
  );
}
