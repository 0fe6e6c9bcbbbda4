/** The commands, in the order of the help. A new one is a file and a line here. */
import type { Command } from "./command.ts";
import { dataCommands } from "./data.ts";
import { demo } from "./demo.ts";
import { devices } from "./devices.ts";
import { inspect } from "./inspect.ts";
import { test } from "./test.ts";
import { train } from "./train.ts";
import { translate } from "./translate.ts";

export const commands: readonly Command[] = [train, translate, test, inspect, demo, devices, ...dataCommands];

/** The first words of commands of two, each with its line for the help. */
export const families: Readonly<Record<string, string>> = {
  data: "prepare, fetch and check data sets (combine, split, audit and more)",
};
