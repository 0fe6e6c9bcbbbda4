/** Matrix products. */
import { ShapeError } from "../../errors.ts";
import { type Op, op, type Tensor } from "../graph.ts";
import { transpose } from "./movement.ts";

export type GemmAttributes = {
  transA: 0 | 1;
  transB: 0 | 1;
};

const swap = ([rows, columns]: readonly number[], transposed: number): [number, number] =>
  transposed ? [columns!, rows!] : [rows!, columns!];

/** y = A' B' + C. A' is A, or its transpose with `transA`; B' likewise. C (optional) has the shape of y. */
export const Gemm: Op<GemmAttributes> = op<GemmAttributes>("Gemm", {
  shape: ([a, b], { transA, transB }) => {
    const [rows, inner] = swap(a!, transA);
    const [inner2, columns] = swap(b!, transB);
    if (inner !== inner2) throw new ShapeError(`[${rows},${inner}] times [${inner2},${columns}] does not fit.`);
    return [rows, columns];
  },
  attributes: ({ transA, transB }) => ({ transA, transB }),
  gradient: ({ x: [a, b, c], dy, attrs: { transA, transB } }) => {
    const da = transA ? gemm(b!, dy, transB, 1) : gemm(dy, b!, 0, transB ? 0 : 1);
    const db = transB ? gemm(dy, a!, 1, transA) : gemm(a!, dy, transA ? 0 : 1, 0);
    return c ? [da, db, dy] : [da, db];
  },
});

/** y[i] = a[i] b[i] for batches of matrices, [N, rows, inner] and [N, inner, columns]. */
export const MatMul: Op = op("MatMul", {
  shape: ([a, b]) => {
    const [n, rows, inner] = a as [number, number, number];
    const [n2, inner2, columns] = b as [number, number, number];
    if (n !== n2 || inner !== inner2) throw new ShapeError(`[${a}] times [${b}] does not fit.`);
    return [n, rows, columns];
  },
  gradient: ({ x: [a, b], dy }) => [MatMul([dy, transposed(b!)]), MatMul([transposed(a!), dy])],
});

const transposed = (t: Tensor): Tensor => transpose(t, [0, 2, 1]);

/** A' B' (+ C). With `transA` or `transB` 1, A or B is replaced by its transpose. */
export const gemm = (a: Tensor, b: Tensor, transA: 0 | 1 = 0, transB: 0 | 1 = 0, c?: Tensor): Tensor =>
  Gemm(c ? [a, b, c] : [a, b], { transA, transB });
