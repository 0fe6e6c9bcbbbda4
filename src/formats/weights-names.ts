/**
 * The names that look like those of files of weights, at most ten, the last checkpoint's first. Files of Adam's moments are left out
 * (latest_state.safetensors of a run, latest_optimizers.pth of an export).
 */
export function weightsAmong(names: readonly string[]): string[] {
  const found = names.filter((name) => /(?<!_state|_optimizers)\.(pth|pt|safetensors|index|t7|pict)$/i.test(name));
  const isLatest = (name: string) => Number(name.startsWith("latest"));
  return found.sort((a, b) => isLatest(b) - isLatest(a) || (a < b ? 1 : -1)).slice(0, 10);
}
