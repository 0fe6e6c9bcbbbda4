/** The names of a record's entries, as the choices of an option. */
export const namesOf = <T extends object>(choices: T) => Object.keys(choices) as (keyof T & string)[];

/** The choices of --profile; profiles.ts says what each sets. */
export const profileNames = ["junyanz", "paper", "hesse", "tutorial", "article"] as const;
