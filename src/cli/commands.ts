/** The commands, in the order of the help. A new one is a file and a line here. */
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { inspect } from "./inspect.ts";
import { test } from "./test.ts";
import { train } from "./train.ts";
import { translate } from "./translate.ts";

export const commands: readonly Command[] = [train, translate, test, inspect, demo];
