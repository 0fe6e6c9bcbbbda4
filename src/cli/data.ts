/** pix2pix data ...: the commands that make, fetch and check data sets. A new one is a file in data/ and a line here. */
import type { Command } from "./command.ts";
import { audit } from "./data/audit.ts";
import { blank } from "./data/blank.ts";
import { combine } from "./data/combine.ts";
import { download } from "./data/download.ts";
import { edges } from "./data/edges.ts";
import { grayscale } from "./data/grayscale.ts";
import { resize } from "./data/resize.ts";
import { split } from "./data/split.ts";

export const dataCommands: readonly Command[] = [combine, split, resize, edges, blank, grayscale, download, audit];
