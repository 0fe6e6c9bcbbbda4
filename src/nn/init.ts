/** Initial weights, named for --init-type by `inits`. Scales of norms are N(1, gain), biases 0. */
import type { Shape } from "../graph.ts";
import { Random } from "../random.ts";
import type { Role } from "./parameters.ts";

/** Fills a convolution's weight of the given shape ([Cout, Cin, kh, kw], or [Cin, Cout, kh, kw] when transposed). */
export type Init = (random: Random, out: Float32Array, shape: Shape, gain: number) => void;

/** N(0, gain) (Isola et al. 2017, 6.2: gain .02). */
const normal: Init = (random, out, _shape, gain) => random.fillNormal(out, 0, gain);

/** The choices of --init-type. */
export const inits = { normal };

/** The starting values of one parameter; `stream` names its own random stream, so that adding a layer moves no other. */
export function initialise(
  out: Float32Array,
  { shape, role, name }: { shape: Shape; role: Role; name: string },
  { init, gain, seed, network }: { init: Init; gain: number; seed: number; network: string },
): void {
  const random = () => new Random(seed, `init ${network} ${name}`, 0);
  if (role === "weight") init(random(), out, shape, gain);
  else if (role === "scale") random().fillNormal(out, 1, gain);
  else out.fill(role === "variance" ? 1 : 0);
}
