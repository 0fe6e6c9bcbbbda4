import { describe, expect, it } from "vitest";
import { nearest, quoted } from "../src/errors.ts";

describe("the nearest choice", () => {
  const commands = ["train", "translate", "test", "inspect", "combine", "split"];

  it("is the only one that begins with the word", () => {
    expect(nearest("comb", commands)).toBe("combine");
    expect(nearest("In", commands)).toBe("inspect");
    expect(nearest("transl", commands)).toBe("translate");
  });

  it("is else the one of the fewest changes, or none where half of the word differs", () => {
    expect(nearest("tra", commands)).toBe("train");
    expect(nearest("cobmine", commands)).toBe("combine");
    expect(nearest("facades", commands)).toBeUndefined();
  });
});

it("a value is quoted as JSON, and numbers that JSON does not have by their names", () => {
  expect([quoted("a"), quoted(0.5), quoted(Number.NaN), quoted(-Infinity)]).toEqual(['"a"', "0.5", "NaN", "-Infinity"]);
});
