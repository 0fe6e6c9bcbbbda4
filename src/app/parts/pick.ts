/** Files that a user chooses. */

/** The files of an input, which is emptied so that the same ones can be chosen again. */
export function takenFiles(input: HTMLInputElement): File[] {
  const files = [...(input.files ?? [])];
  input.value = "";
  return files;
}
