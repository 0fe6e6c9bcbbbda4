/**
 * The commands in the order of the help. To add one, add a file in commands/ that exports a Command, and a line here.
 */
import type { Command } from "./command.ts";
import { completion } from "./commands/completion.ts";
import { audit } from "./commands/data/audit.ts";
import { blank } from "./commands/data/blank.ts";
import { combine } from "./commands/data/combine.ts";
import { download } from "./commands/data/download.ts";
import { edges } from "./commands/data/edges.ts";
import { exchange } from "./commands/data/exchange.ts";
import { grayscale } from "./commands/data/grayscale.ts";
import { resize } from "./commands/data/resize.ts";
import { split } from "./commands/data/split.ts";
import { statistics } from "./commands/data/statistics.ts";
import { demo } from "./commands/demo.ts";
import { devices } from "./commands/devices.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { inspect } from "./commands/inspect.ts";
import { serve } from "./commands/serve.ts";
import { sweep } from "./commands/sweep.ts";
import { test } from "./commands/test.ts";
import { train } from "./commands/train.ts";
import { translate } from "./commands/translate.ts";
import { web } from "./commands/web.ts";

export const commands: readonly Command[] = [
  ...[train, translate, test, sweep, importCommand, exportCommand, inspect, demo, devices, serve, web, completion],
  ...[combine, split, resize, edges, blank, grayscale, download, audit, exchange, statistics],
];

/** The families of commands (the first of two words), each with its line in the help. */
export const families: Readonly<Record<string, string>> = {
  data: "prepare, fetch and check data sets (combine, split, audit and more)",
};
