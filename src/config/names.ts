/** The keys of a record, as the choices of an option. */
export const namesOf = <T extends object>(choices: T) => Object.keys(choices) as (keyof T & string)[];
