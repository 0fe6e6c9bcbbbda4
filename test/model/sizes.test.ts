/** Sizes that a user can choose: a graph either can be built for them, or the options are refused with the least size. */
import { expect, it } from "vitest";
import { namesOf } from "../../src/config/names.ts";
import { checkSize } from "../../src/config/schema.ts";
import { ConfigError, ShapeError, UserError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { generate } from "../../src/model/losses.ts";
import { discriminateScales, discriminators } from "../../src/networks/discriminators.ts";
import { Parameters } from "../../src/nn/parameters.ts";
import { discriminatorOptions, modelOptions } from "../options.ts";

const cases = namesOf(discriminators).flatMap((netD) =>
  [1, 2].flatMap((numD) => (["zero", "reflect"] as const).map((padding) => ({ netD, numD, padding }))),
);

it.each(cases)("$netD, $numD scales, $padding padding: refused exactly where no graph can be built", (choices) => {
  const options = { ...discriminatorOptions({ ndf: 1, padding: choices.padding }), ...choices };
  for (const side of [1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 95, 96, 191, 192]) {
    const build = () => {
      const graph = new Graph();
      return discriminateScales(new Parameters(graph, "netD"), graph.input("pair", [1, 6, side, 200]), options);
    };
    let refused: unknown;
    try {
      checkSize({ ...modelOptions(), ...choices }, side, 200);
    } catch (error) {
      refused = error;
    }
    if (refused) {
      expect(refused).toBeInstanceOf(ConfigError);
      expect(String(refused)).toMatch(/expected pictures of at least \d+/);
      expect(build, `${side}`).toThrow(ShapeError);
    } else {
      expect(build, `${side}`).not.toThrow();
    }
  }
});

it("a generator pads pictures of any size to its multiple", () => {
  for (const [height, width] of [
    [1, 1],
    [2, 3],
    [5, 1],
  ] as const) {
    for (const netG of ["unet_32", "resnet_6blocks"] as const) {
      const graph = new Graph();
      const options = modelOptions({ netG, ngf: 1, padding: "reflect", upsample: "resize" });
      const y = generate(new Parameters(graph, "netG"), graph.input("x", [1, 3, height, width]), options, "batch");
      expect(y.shape).toEqual([1, 3, height, width]);
    }
  }
});

it("a fault of a graph is no error of the user", () => {
  expect(new ShapeError("")).not.toBeInstanceOf(UserError);
});
