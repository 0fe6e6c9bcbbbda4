import { expect, it } from "vitest";
import { visible } from "../src/text.ts";

it("a line for a terminal has control characters as escapes, and keeps every letter", () => {
  expect(visible("a\x1b[31mred\x07\r\x00\x7f\x9b2J\tü \u{1f600} \\x07")).toBe(
    "a\\x1b[31mred\\x07\\r\\x00\\x7f\\x9b2J\\tü \u{1f600} \\x07",
  );
  expect(visible("x\nerror: \x1b]0;title\x07.png")).toBe("x\\nerror: \\x1b]0;title\\x07.png");
});
