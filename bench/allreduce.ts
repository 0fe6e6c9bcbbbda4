/**
 * The time that processes take to sum the gradients of a step: mpirun -n 2 node --import tsx bench/allreduce.ts
 * [millions of values]. Prints the best and the median of 20 rounds.
 */
import { usageError } from "../scripts/options.ts";
import { openCollective } from "../src/node/mpi.ts";

const millions = Number(process.argv[2] ?? 57.2);
const collective = await openCollective();
if (!collective) usageError("start it with mpirun -n 2, or with more processes");
const values = new Float32Array(millions * 1e6).fill(1);
const seconds = Array.from({ length: 20 }, () => {
  values.fill(1);
  collective.barrier();
  const began = performance.now();
  collective.sum(values);
  return (performance.now() - began) / 1000;
}).sort((a, b) => a - b);
if (values.some((value) => value !== collective.size)) throw new Error("The sums are wrong.");
if (collective.rank === 0) {
  const megabytes = (millions * 4).toFixed(0);
  const [best, median] = [seconds[0]!, seconds[10]!].map((each) => each.toFixed(3));
  console.log(
    `${collective.name}, ${collective.size} processes, ${megabytes} MB: ${best} s at best, ${median} s median`,
  );
}
collective.close();
