/** Names of runs as a user types them. */

/** The folder of a run: what a folder must not have in its name is replaced. Empty where nothing is left. */
export const folderName = (name: string): string => name.trim().replaceAll(/[\p{Cc}\\/:*?"<>|]+/gu, "-");
