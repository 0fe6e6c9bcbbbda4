/** How far around its position a value of a map depends on earlier maps, and the cost of a program. Distances are in pixels. */
import { ShapeError } from "../../errors.ts";
import { type Node, type NodeOf, type Program, sizeOf, type Tensor } from "../../graph/graph.ts";
import type { ConvAttributes } from "../../graph/ops/conv.ts";

/** The extent and the cost of a program that reads a picture, or maps of one. */
export interface Reach {
  /** A value of the output depends on positions up to so many pixels away. */
  margin: number;
  /** Pixels per position of the coarsest map. */
  coarsest: number;
  /** Pixels per position of the finest map. */
  finest: number;
  /** Values of all maps per pixel of the picture. */
  density: number;
  /** Multiplications per pixel of the picture. */
  work: number;
}

/** The first pixel and the last one on which the positions [0, n) of a map depend are -`before` and n * scale + `after`. */
interface Margin {
  before: number;
  after: number;
}

/**
 * @param maps inputs of the program that are maps, and their pixels per position
 * @throws ShapeError for an op that changes the size of maps and is not in `movements`
 */
export function reachOf(program: Program, maps: ReadonlyMap<Tensor, number>): Reach {
  const scales = new Map(maps);
  const found = { coarsest: Math.max(...maps.values()), finest: Math.min(...maps.values()), density: 0, work: 0 };
  for (const [map, scale] of maps) if (program.inputs.includes(map)) found.density += map.shape[1]! / scale ** 2;
  for (const node of program.nodes) {
    const x = node.inputs.find((input) => scales.has(input));
    if (!x) continue;
    const scale = scales.get(x)! * (movements[node.op.type]?.scale(node) ?? sameSize(node, x));
    scales.set(node.output, scale);
    found.coarsest = Math.max(found.coarsest, scale);
    found.finest = Math.min(found.finest, scale);
    const perPixel = node.output.shape[1]! / scale ** 2;
    found.density += perPixel;
    if (node.op.type === "Conv") found.work += perPixel * sizeOf(node.inputs[1]!.shape.slice(1));
    if (node.op.type === "ConvTranspose") {
      found.work += (x.shape[1]! / scales.get(x)! ** 2) * sizeOf(node.inputs[1]!.shape.slice(1));
    }
  }
  return { ...found, margin: marginOf(program, scales) };
}

/** Backwards from the outputs: the largest margin of any input. */
function marginOf(program: Program, scales: ReadonlyMap<Tensor, number>): number {
  const margins = new Map<Tensor, Margin>(program.outputs.map(({ tensor }) => [tensor, { before: 0, after: 0 }]));
  let most = 0;
  for (const node of [...program.nodes].reverse()) {
    const margin = margins.get(node.output);
    if (!margin || !scales.has(node.output)) continue;
    for (const input of node.inputs) {
      const scale = scales.get(input);
      if (scale === undefined) continue;
      const more = movements[node.op.type]?.reads(node) ?? { before: 0, after: 0 };
      const before = margin.before + more.before * scale;
      const after = margin.after + more.after * scale;
      const other = margins.get(input);
      margins.set(input, { before: Math.max(before, other?.before ?? 0), after: Math.max(after, other?.after ?? 0) });
      most = Math.max(most, before, after);
    }
  }
  return most;
}

/** An op that reads other positions than that of its output, or whose output has another size. Equal on both axes. */
interface Movement {
  /** Positions of the input per position of the output. */
  scale(node: Node): number;
  /** Positions of the input that are read before and after those of the output; negative ones are not needed. */
  reads(node: Node): Margin;
}

const movements: Readonly<Record<string, Movement>> = {
  Conv: {
    scale: (node) => conv(node).stride,
    reads: (node) => {
      const { extent, stride, pad } = conv(node);
      return { before: pad, after: extent - pad - stride };
    },
  },
  ConvTranspose: {
    scale: (node) => 1 / conv(node).stride,
    // Output q takes from the inputs p with q = p * stride - pad + k, 0 <= k < extent.
    reads: (node) => {
      const { extent, stride, pad } = conv(node);
      return { before: Math.ceil((extent - 1 - pad) / stride), after: Math.ceil((pad + stride - 1) / stride) };
    },
  },
  Pad: {
    scale: () => 1,
    reads: ({ attrs }) => {
      const margin = (attrs.pads as readonly number[])[2]!;
      return { before: margin, after: -margin };
    },
  },
  DepthToSpace: {
    scale: ({ attrs }) => 1 / Number(attrs.blocksize),
    reads: () => ({ before: 0, after: 0 }),
  },
};

function conv(node: Node): { extent: number; stride: number; pad: number } {
  const { inputs, attrs } = node as NodeOf<ConvAttributes>;
  const { strides, pads, dilations } = attrs;
  return { extent: dilations[0] * (inputs[1]!.shape[2]! - 1) + 1, stride: strides[0], pad: pads[0] };
}

function sameSize({ op, output }: Node, input: Tensor): 1 {
  const [a, b] = [output.shape, input.shape];
  if (a.length === 4 && a[2] === b[2] && a[3] === b[3]) return 1;
  throw new ShapeError(
    `${op.type} makes [${a}] of [${b}]; a generator in tiles needs a rule for it (src/inference/tiling/reach.ts).`,
  );
}
