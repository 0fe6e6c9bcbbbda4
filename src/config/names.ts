/** Names and texts of the choices of an option, read from the code that owns them. */

/** The names of a record's entries, as the choices of an option. */
export const namesOf = <T extends object>(choices: T) => Object.keys(choices) as (keyof T & string)[];

/** The choices with their own texts: "batch: over the batch; none: no normalisation". */
export const textOf = (kinds: Readonly<Record<string, { help: string }>>): string =>
  Object.entries(kinds)
    .map(([name, { help }]) => `${name}: ${help}`)
    .join("; ");
