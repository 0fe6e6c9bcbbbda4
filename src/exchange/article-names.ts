/**
 * The article calls the decoder's fourth layer `up_4_CD512`, although it has no dropout; runs call it `up_4_C512`, as the reference
 * steps do. Files of PyTorch have the article's name.
 */
const [theirs, ours] = ["up_4_CD512.", "up_4_C512."] as const;

/** Tensors under the names of runs. */
export const withRunNames = <T>(tensors: ReadonlyMap<string, T>): Map<string, T> =>
  new Map([...tensors].map(([name, tensor]) => [name.replace(theirs, ours), tensor]));

/** The article's name of a tensor of a run. */
export const articleName = (name: string): string => (name.startsWith(ours) ? theirs + name.slice(ours.length) : name);
