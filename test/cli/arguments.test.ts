import { describe, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { commands } from "../../src/cli/registry.ts";
import { upstreamScript } from "../../src/cli/upstream.ts";
import { optionsOf } from "../../src/config/options.ts";
import { configSchema, parseCommandLine } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/errors.ts";

const specs = optionsOf(configSchema);
const given = (...args: string[]) => parseArguments(args, specs).given;

describe("parseArguments", () => {
  it("accepts every option in kebab-case, snake_case, camelCase, upper case and upstream's case", () => {
    for (const { key, type } of specs) {
      const kebab = key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
      const upstream = key.replace(/[A-Z]/g, (c) => `_${c}`);
      const value = type === "boolean" ? [] : ["x"];
      for (const spelling of [kebab, kebab.replaceAll("-", "_"), upstream, key, key.toUpperCase()]) {
        expect(given(`--${spelling}`, ...value), spelling).toEqual({ [key]: value[0] ?? true });
      }
    }
  });

  it("accepts upstream's command lines as they are", () => {
    const line =
      "--dataroot ./datasets/facades --name facades_pix2pix --netG unet_256 --direction BtoA --lambda_L1 100 " +
      "--dataset_mode aligned --norm batch --batch_size=1 --n_layers_D 3 --no_flip --continue_train";
    expect(given(...line.split(" "))).toEqual({
      dataroot: "./datasets/facades",
      name: "facades_pix2pix",
      netG: "unet_256",
      direction: "BtoA",
      lambdaL1: "100",
      datasetMode: "aligned",
      norm: "batch",
      batchSize: "1",
      nLayersD: "3",
      noFlip: true,
      continueTrain: true,
    });
  });

  it("takes upstream's scripts for the commands that do the same", () => {
    expect(upstreamScript(["train.py", "--name", "test.py"])).toEqual(["train", "--name", "test.py"]);
    expect(upstreamScript(["./pix2pix/test.py"])).toEqual(["test"]);
    const download = ["./datasets/download_pix2pix_dataset.sh", "facades"];
    expect(upstreamScript(download)).toEqual(["data", "download", "facades", "--out", "datasets"]);
    expect(upstreamScript([...download, "--OUT=sets"])).toEqual(["data", "download", "facades", "--OUT=sets"]);
    const ofPaper = ["./datasets/download_dataset.sh", "facades"];
    expect(upstreamScript(ofPaper)).toEqual(["data", "download", "facades", "--out", "datasets"]);
    expect(upstreamScript(["datasets\\combine_A_and_B.py", "--use_AB"])).toEqual(["data", "combine", "--use_AB"]);
    for (const args of [[], ["train"], ["setup.py"], ["toString"]]) expect(upstreamScript(args)).toBeUndefined();
  });

  it("takes the weight of L1 of upstream's first version", () => {
    expect(given("--lambda_A", "10")).toEqual({ lambdaL1: "10" });
  });

  it("keeps values unchanged, after = or a space, with dashes, signs and equals signs in them", () => {
    expect(given("--name=a=b", "--phase", "my-Run_1", "--lr", "-1", "--dataroot", "a b", "--beta1=-.5")).toEqual({
      name: "a=b",
      phase: "my-Run_1",
      lr: "-1",
      dataroot: "a b",
      beta1: "-.5",
    });
    expect(given("--name=")).toEqual({ name: "" });
  });

  it("uses the last value of an option that is given twice, and says so where the values differ", () => {
    const { given, notes } = parseArguments(["--lr", "1", "--no_flip", "--LR=2", "--no-flip"], specs);
    expect(given).toEqual({ lr: "2", noFlip: true });
    expect(notes).toEqual(["--lr is given twice, as 1 and as 2: the last one counts, 2"]);
    expect(parseArguments(["--lr", "1", "--lr", "1"], specs).notes).toEqual([]);
    expect(parseArguments(["--device", "auto", "--gpu_ids", "-1"], specs).notes).toHaveLength(2);
  });

  it("switches off what a profile switches on", () => {
    expect(given("--spectral-norm=true", "--no-flip=false")).toEqual({ spectralNorm: true, noFlip: "false" });
    const modern = { dataroot: "pairs", profile: "modern" };
    expect(parseCommandLine({ ...modern, ...given("--spectral_norm=false") })).toEqual({
      ...parseCommandLine(modern),
      spectralNorm: false,
    });
    expect(parseCommandLine(modern).spectralNorm).toBe(true);
  });

  it("recognises a request for help", () => {
    for (const help of ["-h", "--help", "help"]) {
      expect(parseArguments(["--lr", "1", help], specs)).toEqual({ given: { lr: "1" }, help: "common", notes: [] });
    }
    for (const help of ["--help-all", "--help_all", "--helpAll"]) {
      expect(parseArguments(["--lr", "1", help], specs)).toEqual({ given: { lr: "1" }, help: "all", notes: [] });
    }
  });

  it("accepts the earlier names of renamed options", () => {
    expect(
      given("--fineSize", "128", "--which_direction", "BtoA", "--niter", "3", "--which_model_netG=unet_128"),
    ).toEqual({ cropSize: "128", direction: "BtoA", nEpochs: "3", netG: "unet_128" });
  });
});

describe("options without a counterpart", () => {
  const parse = (...args: string[]) => parseArguments(args, specs);

  it("are explained and ignored", () => {
    const { given, notes } = parse("--num_threads", "0", "--name", "x", "--no_html", "--display_id=-1");
    expect(given).toEqual({ name: "x" });
    expect(notes).toHaveLength(3);
    expect(notes[0]).toMatch(/^--num_threads 0: .*--threads/);
  });

  it("are replaced by the option that does the same: --gpu_ids -1 is the CPU, others a GPU if there is one", () => {
    expect(parse("--gpu_ids", "-1").given).toEqual({ device: "cpu" });
    // A run that was begun with -1 keeps its device, so that 0 has to replace it.
    expect(parse("--gpu_ids", "0,1").given).toEqual({ device: "auto" });
    const others = specs.filter(({ key }) => key !== "device");
    expect(parseArguments(["--gpu_ids", "-1"], others).given).toEqual({});
  });

  it("refuse other models", () => {
    expect(parse("--model", "pix2pix")).toEqual({ given: {}, help: false, notes: [] });
    expect(() => parse("--model", "cycle_gan")).toThrow(/got "cycle_gan", expected pix2pix/);
  });
});

describe("options of other implementations", () => {
  const specsOf = (name: string) => {
    const { schema, ofRun } = commands.find((command) => command.name === name)!;
    return [...optionsOf(schema), ...(ofRun ? specs.filter(({ key }) => !(key in schema.shape)) : [])];
  };
  const parse = (line: string, command = "train") => parseArguments(line.split(" "), specsOf(command));

  it("of Hesse's code become ours", () => {
    const hesse =
      "--mode train --output_dir facades_train --max_epochs 200 --input_dir facades/train --which_direction BtoA " +
      "--scale_size 286 --l1_weight 50 --gan_weight 2 --lab_colorization --progress_freq 50 --save_freq 5000 --batch_size 4";
    const { given, notes } = parse(hesse);
    expect(given).toEqual({
      name: "facades_train",
      nEpochs: "200",
      nEpochsDecay: "0",
      dataroot: "facades/train",
      direction: "BtoA",
      loadSize: "286",
      lambdaL1: "50",
      lambdaGan: "2",
      datasetMode: "colorization",
      printFreq: "50",
      saveLatestFreq: "5000",
      batchSize: "4",
    });
    expect(notes).toContainEqual(
      expect.stringMatching(/^--max_epochs 200: taken as --n-epochs 200 --n-epochs-decay 0/),
    );
    expect(notes).toHaveLength(5);
    expect(parse("--output_dir out/a").given).toEqual({ checkpointsDir: "out", name: "a" });
  });

  it("depend on the command", () => {
    const line = "--mode test --output_dir facades_test --input_dir facades/val --checkpoint facades_train";
    expect(parse(line, "test").given).toEqual({
      resultsDir: "facades_test",
      dataroot: "facades/val",
      name: "facades_train",
    });
    expect(parse("--output_dir o --input_dir i", "translate").given).toEqual({ out: "o", input: "i" });
    expect(() => parse(line)).toThrow("--mode test: use pix2pix test or pix2pix translate");
    expect(() => parse("--mode train", "test")).toThrow("--mode train: use pix2pix train");
    expect(() => parse("--mode export")).toThrow("--mode export: expected train or test");
    expect(parse(line.replace("test", "test --output_filetype png"), "translate").given).toMatchObject({
      input: "facades/val",
    });
    expect(() => parse("--mode train", "translate")).toThrow("--mode train: use pix2pix train");
    expect(() => parse("--model test", "test")).toThrow(/pictures without targets: use pix2pix translate --name/);
    expect(parse("--model test", "translate").notes).toEqual([]);
    expect(parse("--ntest 5", "test").given).toEqual({ numTest: "5" });
  });

  it("switch nothing on where they are given as false", () => {
    expect(parse("--no_lsgan=false --lab_colorization=false --verbose=false")).toMatchObject({ given: {}, notes: [] });
    expect(parse("--flip=false")).toMatchObject({
      given: { noFlip: true },
      notes: ["--flip=false: taken as --no-flip"],
    });
  });

  it("of combine_A_and_B.py are those of data combine", () => {
    const { given, notes } = parse(
      "--fold_A a --fold_B b --fold_AB ab --num_imgs 9 --use_AB --no_multiprocessing",
      "data combine",
    );
    expect(given).toEqual({ foldA: "a", foldB: "b", foldAB: "ab", numImgs: "9", useAB: true });
    expect(notes).toEqual(["--no_multiprocessing: not needed: one process combines the pairs"]);
    expect(() => parse("--no_multiprocessing", "data split")).toThrow("unknown option --no_multiprocessing");
  });

  it("of separable convolutions are ours in their spelling", () => {
    expect(parse("--separable_conv").given).toEqual({ separableConv: true });
  });

  it("of the PyTorch repository become ours", () => {
    expect(parse("--no_lsgan --resize_or_crop scale_width --model colorization --norm syncbatch")).toEqual({
      given: { ganMode: "vanilla", preprocess: "scale_width", datasetMode: "colorization", norm: "batch" },
      help: false,
      notes: [
        "--no_lsgan: taken as --gan-mode vanilla",
        "--model colorization: taken as --dataset-mode colorization",
        expect.stringMatching(/^--norm syncbatch: taken as batch: one process /),
      ],
    });
  });

  it("--epoch is an option of train, test and translate, by its earlier names, too", () => {
    for (const flag of ["--epoch", "--which_epoch"]) {
      for (const command of ["train", "test"]) expect(parse(`${flag} 20`, command).given).toEqual({ epoch: "20" });
    }
    for (const command of ["train", "test"]) {
      expect(parse("--load_iter 500", command).given).toEqual({ epoch: "iter_500" });
    }
    expect(parse("--load_iter 0", "translate").given).toEqual({});
  });

  it("--suffix extends the name, with the values of other options wherever they stand", () => {
    const { given, notes } = parse("--suffix {model}_{netG}_size{load_size} --name x --load_size 300");
    expect(given.name).toBe("x_pix2pix_unet_256_size300");
    expect(notes).toEqual(["--suffix {model}_{netG}_size{load_size}: taken as --name x_pix2pix_unet_256_size300"]);
    expect(parse("--suffix=a", "test").given).toEqual({ name: "pix2pix_a" });
    expect(() => parse("--suffix {nothing}")).toThrow("--suffix: {nothing} is no option");
  });

  it("of pix2pixHD become ours, or are refused with what to do", () => {
    const { given, notes } = parse(
      "--name label2city_512p --label_nc 35 --no_instance --netG global --num_D 2 --no_ganFeat_loss --no_vgg_loss --tf_log " +
        "--n_downsample_global 4 --n_blocks_global 9 --niter_fix_global 0 --model pix2pixHD --batchSize 8 --use_dropout --fp16",
    );
    expect(given).toEqual({
      name: "label2city_512p",
      inputLabels: "35",
      netG: "global_9blocks",
      numD: "2",
      lambdaFeat: "0",
      tensorboard: true,
      profile: "pix2pixhd",
      batchSize: "8",
    });
    expect(notes).toContainEqual(
      expect.stringMatching(/^--label_nc 35: taken as --input-labels 35; --input-instances adds/),
    );
    expect(notes).toContain("--fp16: has no effect: networks are computed in float32");
    // export has an option of this name.
    expect(parse("--fp16", "export").given).toEqual({ fp16: true });
    expect(parse("--netG local --label_nc 0").given).toEqual({ netG: "enhancer" });
    for (const [line, message] of [
      ["--niter_fix_global 20", '--niter_fix_global: got "20", expected 0, because all layers are trained'],
      ["--n_blocks_global 6", '--n_blocks_global: got "6", expected 9'],
      ["--load_pretrain checkpoints/label2city_512p/", "--load_pretrain: use --init-g FILE"],
      ["--instance_feat", "--instance_feat: features of an encoder"],
    ] as const) {
      expect(() => parse(line), line).toThrow(message);
    }
  });

  it("of CycleGAN are refused as such", () => {
    expect(() => parse("--lambda_B 10")).toThrow("--lambda_B: an option of CycleGAN, which is not supported");
    expect(() => parse("--lambda_identity 1.0")).toThrow("--lambda_identity: an option of CycleGAN");
  });

  it("have values that other implementations spell otherwise", () => {
    expect(parse("--norm syncbatch").given).toEqual({ norm: "batch" });
    expect(parse("--norm sync_batch").given).toEqual({ norm: "batch" });
    expect(parse("--norm sync_instance").given).toEqual({ norm: "instance" });
    expect(parse("--lr_policy lambda --which_model_netD pixelGAN").given).toEqual({
      lrPolicy: "linear",
      netD: "pixel",
    });
    expect(() => parse("--preprocess colorization")).toThrow("use --dataset-mode colorization");
  });

  it("name a run by its folder: Hesse's --checkpoint", () => {
    expect(parse("--checkpoint out/a/", "test").given).toEqual({ checkpointsDir: "out", name: "a" });
    expect(parse("--checkpoint a", "translate").given).toEqual({ name: "a" });
    expect(() => parse("--checkpoint out/a")).toThrow(
      "--checkpoint out/a: to continue a run use --name NAME --continue-train",
    );
  });

  it("of the paper's code become ours", () => {
    expect(parse("--use_GAN 0 --use_L1 1 --ntrain 100 --which_model_netG unet --lambda 10").given).toEqual({
      lambdaGan: "0",
      maxDatasetSize: "100",
      netG: "unet_256",
      lambdaL1: "10",
    });
    expect(parse("--use_L1=0 --condition_GAN 0")).toMatchObject({
      given: { lambdaL1: "0", noCondition: true },
      notes: ["--use_L1 0: taken as --lambda-l1 0", "--condition_GAN 0: taken as --no-condition"],
    });
    expect(() => parse("--use_GAN yes")).toThrow('--use_GAN: got "yes", expected 0 or 1');
  });
});

describe("wrong command lines", () => {
  const problem = (...args: string[]) => {
    const elsewhere = new Map([["--input", "translate"]]);
    expect(() => parseArguments(args, specs, elsewhere)).toThrow(ConfigError);
    try {
      parseArguments(args, specs, elsewhere);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };

  it("are no note where a command has no options of training", () => {
    const { schema } = commands.find(({ name }) => name === "data grayscale")!;
    const elsewhere = new Map(specs.map(({ flag }) => [flag, "train"]));
    const parse = (...args: string[]) => parseArguments(args, optionsOf(schema), elsewhere);
    expect(() => parse("--lr-decay-iters", "5")).toThrow("--lr-decay-iters is an option of train, not of this command");
    expect(() => parse("--niter", "5")).toThrow("--n-epochs is an option of train, not of this command");
    expect(() => parse("--gpu_ids", "0")).toThrow("unknown option --gpu_ids");
  });

  it("give the fault and the nearest option", () => {
    expect(problem("--lamda_l1", "3")).toBe("unknown option --lamda_l1; did you mean --lambda-l1?");
    expect(problem("--dataset_mode", "unaligned")).toMatch(/got "unaligned"; unpaired pictures are for CycleGAN/);
    expect(problem("--gpu-id", "0")).toBe("unknown option --gpu-id; did you mean --gpu_ids?");
    expect(problem("--batchsiz=3")).toBe("unknown option --batchsiz; did you mean --batch-size?");
    expect(problem("--xyzzyplugh")).toBe("unknown option --xyzzyplugh");
    expect(problem("-x")).toBe("unknown option -x");
    expect(problem("--input", "a")).toBe("--input is an option of translate, not of this command");
    expect(problem("--name")).toBe("--name needs a value");
    expect(problem("--name", "--ngf", "8")).toBe("--name needs a value, got the option --ngf");
    expect(problem("--name", "-x")).toBe(
      "--name needs a value, got the option -x; a value that begins with a dash is written --name=-x",
    );
    expect(problem("--no-flip=1")).toBe('--no-flip takes no value but =true or =false, got "1"');
    expect(problem("--continue-train=maybe")).toBe(
      '--continue-train takes no value but =if-present, =true or =false, got "maybe"',
    );
    expect(problem("--no_flip", "False")).toBe(
      'got "False" after --no_flip, which takes no value; expected --no_flip=false',
    );
    expect(problem("--flip", "1")).toBe('got "1" after --flip, which takes no value; expected --flip=true');
    expect(problem("--no-flip", "pairs")).toBe(
      'got "pairs" after --no-flip, which takes no value; expected an option that starts with --',
    );
    expect(problem("--ngf", "8", "9")).toBe('got "9", expected an option that starts with --');
    expect(problem("--no-flip=true", "9")).toBe('got "9", expected an option that starts with --');
    expect(problem("facades")).toBe('got "facades", expected an option that starts with --');
    expect(problem("--__proto__")).toMatch(/^unknown option --__proto__/);
    expect(problem("--constructor")).toMatch(/^unknown option --constructor/);
  });
});

describe("every command", () => {
  it("has options with distinct names, none of which is also the name of an older option", () => {
    for (const { name, schema } of commands) {
      for (const spec of optionsOf(schema)) {
        const value = spec.type === "boolean" ? [] : ["v"];
        const { given } = parseArguments([spec.flag, ...value], optionsOf(schema));
        expect(given, name).toEqual({ [spec.key]: value[0] ?? true });
      }
    }
  });
});
