/** Options as fields of a form: which a page has, and which field a problem belongs to. */
import { expect, it } from "vitest";
import { checkForm, fieldsOf, type Given, hintOf, inWords, labelOf } from "../../src/config/form.ts";
import { optionsOf } from "../../src/config/options.ts";
import { configSchema, parseCommandLine } from "../../src/config/schema.ts";

const browser = fieldsOf("browser");
const keys = (fields: readonly { key: string }[]) => fields.map(({ key }) => key);
const check = (given: Given) => checkForm(() => parseCommandLine({ dataroot: "data", ...given }), given, browser);

it("a page has every option but those that say what they need", () => {
  const all = optionsOf(configSchema);
  expect([...keys(browser), ...keys(all.filter(({ needs }) => needs))].sort()).toEqual(keys(all).sort());
  const missing = keys(all).filter((key) => !keys(browser).includes(key));
  // No file and no folder of a machine, no device and no tracker.
  expect(browser.filter(({ value }) => value === "FILE" || value === "FOLDER")).toEqual([]);
  expect(missing).toEqual(
    expect.arrayContaining(["dataroot", "device", "threads", "tensorboard", "features", "initG"]),
  );
  expect(keys(fieldsOf("server"))).toEqual(
    expect.arrayContaining(["device", "tensorboard", "features", "initG", "ngf"]),
  );
  expect(keys(fieldsOf("server"))).not.toContain("checkpointsDir");
});

it("names fields by their flags, and says what they take", () => {
  const field = (key: string) => browser.find((each) => each.key === key)!;
  expect([labelOf(field("batchSize")), labelOf(field("netG")), labelOf(field("lambdaL1"))]).toEqual([
    "batch size",
    "netG",
    "lambda l1",
  ]);
  expect([hintOf(field("ngf")), hintOf(field("lr")), hintOf(field("noFlip"))]).toEqual([
    "filters, from 1 to 4096",
    "above 0",
    "",
  ]);
  expect(inWords("as --lr-policy step")).toBe("as “lr policy” step");
});

it("puts a problem to the field that the user has changed", () => {
  expect(check({ ngf: "8" }).config).toMatchObject({ ngf: 8 });
  const wrong = check({ ngf: "0", lr: "fast", accumulate: "2", updateOrder: "stale" });
  expect(wrong.config).toBeUndefined();
  expect(Object.fromEntries(wrong.problems)).toEqual({
    ngf: "Got 0, expected a whole number from 1 to 4096",
    lr: 'Got "fast", expected a number above 0',
  });
  const { problems, others } = check({ updateOrder: "stale", accumulate: "2" });
  expect([...problems.keys()]).toEqual(["accumulate"]);
  expect(problems.get("accumulate")).toMatch(/needs “update order” updated, got stale$/);
  expect(others).toEqual([]);
});
