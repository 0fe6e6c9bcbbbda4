/** Names of runs: as a user types them, and those that are still free. Names of files in a zip, too. */

/** The folder of a run: what a folder must not have in its name is replaced. Empty where nothing is left. */
export const folderName = (name: string): string => name.trim().replaceAll(/[\p{Cc}\\/:*?"<>|]+/gu, "-");

/** A name that no run, or no other file, has yet: the title, or the title with a number. */
export function freeName(title: string, taken: readonly string[]): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? title : `${title}-${i}`;
    if (!taken.includes(name)) return name;
  }
}
