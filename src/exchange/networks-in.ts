/** The generator and the discriminator among the tensors of a file. */
import { CheckpointError } from "../errors.ts";
import type { SourceTensor } from "../formats/tensors.ts";
import { someOf, type WeightsFile } from "../formats/weights-file.ts";
import { withRunNames } from "./article-names.ts";
import { type Architecture, type Fact, families, type Shapes } from "./families.ts";
import { converted } from "./layouts.ts";
import { withoutSpectralNames, withSpectralNames } from "./spectral-names.ts";

/** A network of a file, with the names of the PyTorch implementation. */
export interface FoundNetwork extends Architecture {
  network: "G" | "D";
  /** What its names begin with in the file, such as "state_dict.module."; often "". */
  prefix: string;
  tensors: ReadonlyMap<string, SourceTensor>;
  /** The file. */
  path: string;
  /** Options that the layout of the file implies, such as its profile. */
  implied: Readonly<Record<string, unknown>>;
}

/**
 * The networks of a file. Names may begin with anything: "module.", "state_dict.", "netG.".
 * @throws CheckpointError where there is none, or two that are both a generator or both a discriminator
 */
export function networksIn(given: WeightsFile): FoundNetwork[] {
  const { file, implied } = converted(given);
  const { path } = file;
  const tensors = withRunNames(withSpectralNames(file.tensors));
  const found = families.flatMap((family) =>
    prefixesOf(withoutSpectralNames(tensors), family).map((prefix) => {
      const own = new Map(
        [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, t]) => [name.slice(prefix.length), t]),
      );
      const used = withoutInstanceStatistics(own);
      const read = family.read(withoutSpectralNames(used), path);
      const facts = [...read.facts, ...spectralFacts(used, family.network, path)];
      return { network: family.network, prefix, path, implied, tensors: used, ...read, facts };
    }),
  );
  if (found.length === 0) throw unrecognised(path, tensors);
  for (const network of ["G", "D"] as const) {
    const [one, two] = found.filter((each) => each.network === network);
    if (one && two) {
      throw new CheckpointError(
        `${path} has two ${network === "G" ? "generators" : "discriminators"}, under "${one.prefix}" and under "${two.prefix}". ` +
          'Save one of them alone, in Python: torch.save(net.state_dict(), "latest_net_G.pth").',
      );
    }
  }
  return found;
}

/** What stands before the name of the family's first weight. The scales of one discriminator count once. */
function prefixesOf(tensors: WeightsFile["tensors"], { first, is }: (typeof families)[number]): string[] {
  const prefixes = [...tensors].flatMap(([name, { shape }]) => {
    if (!name.endsWith(first)) return [];
    const prefix = name.slice(0, -first.length);
    if (prefix !== "" && !prefix.endsWith(".")) return [];
    return is(shape, prefix) ? [prefix.replace(/scale\d+\.$/, "")] : [];
  });
  return [...new Set(prefixes)];
}

/** @throws CheckpointError for a generator with spectral normalisation, which no option gives */
function spectralFacts(tensors: Shapes, network: "G" | "D", path: string): Fact[] {
  const [name, tensor] = [...tensors].find(([name]) => name.endsWith(".weight_orig")) ?? [];
  if (name === undefined || !tensor) return [];
  const from = `${name} [${tensor.shape.join(", ")}]`;
  if (network === "D") return [{ key: "spectralNorm", value: true, from }];
  throw new CheckpointError(
    `${path} has a generator with spectral normalisation (${from}); --spectral-norm is for discriminators only.`,
  );
}

/** Older versions of upstream saved running statistics of instance norms, which they never used. */
function withoutInstanceStatistics(tensors: ReadonlyMap<string, SourceTensor>): Map<string, SourceTensor> {
  const statistic = /^(.*)\.(running_mean|running_var|num_batches_tracked)$/;
  return new Map(
    [...tensors].filter(([name]) => {
      const norm = statistic.exec(name)?.[1];
      return norm === undefined || tensors.has(`${norm}.weight`);
    }),
  );
}

function unrecognised(path: string, tensors: WeightsFile["tensors"]): CheckpointError {
  return new CheckpointError(
    `${path} is of another network: it has ${someOf(tensors)}. ` +
      "Expected a pix2pix generator (U-Net, ResNet) or discriminator (PatchGAN, PixelGAN) with the names of the PyTorch implementation.",
  );
}
