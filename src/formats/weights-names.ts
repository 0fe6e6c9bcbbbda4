const ending = /(?<!_state|_optimizers)\.(pth|pt|safetensors|index|t7|pict)$/i;
/** A TensorFlow checkpoint's tensors beside its index. */
const data = /\.data-\d{5}-of-\d{5}$/;

/** Whether a file is one of weights by its name, or one that a TensorFlow checkpoint's index names. */
export const isWeightsName = (name: string): boolean => ending.test(name) || data.test(name);

/** Whether a file is read through another one, the index of a TensorFlow checkpoint. */
export const isBesideIndex = (name: string): boolean => data.test(name);

/**
 * The names that look like those of files of weights, at most ten, the last checkpoint's first. Files of Adam's moments are left out
 * (latest_state.safetensors of a run, latest_optimizers.pth of an export).
 */
export function weightsAmong(names: readonly string[]): string[] {
  const found = names.filter((name) => ending.test(name));
  const isLatest = (name: string) => Number(name.startsWith("latest"));
  return found.sort((a, b) => isLatest(b) - isLatest(a) || (a < b ? 1 : -1)).slice(0, 10);
}
