/** The seed article's experiment, and its two mistakes: see examples/article/README.md. */
import { parseArguments } from "../src/cli/arguments.ts";
import { optionsOf, parseOptions } from "../src/config/options.ts";
import { UserError } from "../src/errors.ts";
import { nodePlatform } from "../src/node/index.ts";
import { articleOptions, type Epoch, runName, trainArticle, withOwnFlags } from "./article/training.ts";

const line = ({ epoch, seconds, loss_D, loss_G }: Epoch) =>
  `epoch ${epoch}  ${seconds.toFixed(1)} s  loss_D ${loss_D.toFixed(4)}  loss_G ${loss_G.toFixed(4)}`;

try {
  const specs = optionsOf(articleOptions);
  const { given, help, notes } = parseArguments(process.argv.slice(2), specs);
  for (const note of notes) console.error(`note: ${note}`);
  if (help) {
    console.log("node --import tsx examples/article.ts --dataroot FOLDER [options]\n");
    for (const spec of specs) console.log(`  ${spec.flag.padEnd(20)} ${spec.help}`);
  } else {
    const options = parseOptions(articleOptions, given);
    const platform = await nodePlatform({ threads: options.threads });
    const history = await trainArticle(options, platform, (epoch) => console.log(line(epoch)));
    const { first } = history[0]!;
    if (first) console.log(`first step: G_GAN ${first.G_GAN!.toFixed(3)}  G_L1 ${first.G_L1.toFixed(2)}`);
    console.log(`npx pix2pix test --name ${runName(options)} --checkpoints-dir ${options.out}`);
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${withOwnFlags(error.message)}`);
  process.exitCode = 1;
}
