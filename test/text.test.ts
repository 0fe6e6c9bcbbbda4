import { expect, it } from "vitest";
import { visible, visibleName } from "../src/text.ts";

it("text for a terminal has its control characters as escapes, and keeps line breaks, tabs and letters", () => {
  expect(visible("a\x1b[31mred\x07\r\x00\x7f\x9b2J\n\tü \u{1f600}")).toBe(
    "a\\x1b[31mred\\x07\\x0d\\x00\\x7f\\x9b2J\n\tü \u{1f600}",
  );
});

it("a name for a terminal is on one line", () => {
  expect(visibleName("x\n\terror: \x1b]0;title\x07.png")).toBe("x\\n\\terror: \\x1b]0;title\\x07.png");
});
