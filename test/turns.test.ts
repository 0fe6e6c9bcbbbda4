/** Works that run one after the other. */
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { Turns } from "../src/turns.ts";

it("works run in the order in which they were given; the error of one is not that of the next", async () => {
  const turns = new Turns("this thing");
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await setTimeout(1);
    order.push(`${name} ends`);
    if (name === "first") throw new Error("of the first");
    return name;
  };
  const [first, second] = [turns.take(work("first")), turns.take(work("second"))];
  const closed = turns.close(async () => {
    order.push("closed");
  });
  await expect(turns.take(work("late"))).rejects.toThrow("this thing is closed; open another one");
  await expect(first).rejects.toThrow("of the first");
  expect(await second).toBe("second");
  await closed;
  expect(order).toEqual(["first begins", "first ends", "second begins", "second ends", "closed"]);
});

it("a result that nobody holds is freed", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const turns = new Turns("this thing");
  const result = new WeakRef(await turns.take(async () => ({ large: new Float32Array(1000) })));
  await setTimeout(1);
  collect();
  expect(result.deref()).toBeUndefined();
  await turns.close(async () => {});
});
