/**
 * Weights under spectral normalisation. torch.nn.utils.spectral_norm saves `weight_orig`, `weight_u` and `weight_v`,
 * torch.nn.utils.parametrizations.spectral_norm `parametrizations.weight.original`, `.0._u` and `.0._v`. Ours are the first two of
 * the older names (nn/spectral.ts); v follows from them.
 */

/** Tensors under our names. */
export function withSpectralNames<T>(tensors: ReadonlyMap<string, T>): Map<string, T> {
  const named = [...tensors].map(([name, tensor]): [string, T] => [
    name
      .replace(/parametrizations\.weight\.original$/, "weight_orig")
      .replace(/parametrizations\.weight\.0\._([uv])$/, "weight_$1"),
    tensor,
  ]);
  return new Map(named.filter(([name]) => !name.endsWith(".weight_v")));
}

/** Tensors under the names that they have without the normalisation, by which a network is recognised. */
export const withoutSpectralNames = <T>(tensors: ReadonlyMap<string, T>): Map<string, T> =>
  new Map(
    [...tensors].flatMap(([name, tensor]): [string, T][] =>
      name.endsWith(".weight_u") ? [] : [[name.replace(/\.weight_orig$/, ".weight"), tensor]],
    ),
  );
