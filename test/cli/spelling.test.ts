import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { normalise } from "../../src/cli/spelling.ts";
import { optionsOf } from "../../src/config/options.ts";
import { configSchema } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/errors.ts";

const specs = optionsOf(configSchema);
const plain = (...args: string[]) => normalise(args, specs).args;

describe("spellings", () => {
  it("of every option in kebab-case, snake_case, camelCase and upstream's case are its flag", () => {
    for (const { key, flag, type } of specs) {
      const kebab = key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
      const upstream = key.replace(/[A-Z]/g, (c) => `_${c}`);
      const value = type === "boolean" ? [] : ["x"];
      for (const spelling of [kebab, kebab.replaceAll("-", "_"), upstream, key, key.toUpperCase()]) {
        expect(plain(`--${spelling}`, ...value), spelling).toEqual([flag, ...value]);
      }
    }
  });

  it("of upstream's own command lines work as they are pasted", () => {
    const line =
      "--dataroot ./datasets/facades --name facades_pix2pix --netG unet_256 --direction BtoA --lambda_L1 100 " +
      "--dataset_mode aligned --norm batch --batch_size=1 --n_layers_D 3 --no_flip --continue_train";
    expect(plain(...line.split(" ")).join(" ")).toBe(
      "--dataroot ./datasets/facades --name facades_pix2pix --netG unet_256 --direction BtoA --lambda-l1 100 " +
        "--dataset-mode aligned --norm batch --batch-size 1 --n-layers-d 3 --no-flip --continue-train",
    );
  });

  it("of values stay as they are: after = or a space, with dashes, signs and equals signs in them", () => {
    expect(plain("--name=a=b", "--name", "my-Run_1", "--lr", "-1", "--dataroot", "a b")).toEqual([
      ...["--name", "a=b", "--name", "my-Run_1", "--lr", "-1", "--dataroot", "a b"],
    ]);
    expect(plain("--name=")).toEqual(["--name", ""]);
  });

  it("of older versions are those of today", () => {
    expect(
      plain("--fineSize", "128", "--which_direction", "BtoA", "--niter", "3", "--which_model_netG=unet_128"),
    ).toEqual(["--crop-size", "128", "--direction", "BtoA", "--n-epochs", "3", "--netG", "unet_128"]);
  });
});

describe("options without a counterpart", () => {
  const notes = (...args: string[]) => normalise(args, specs);

  it("are explained and left out", () => {
    const { args, notes: lines } = notes("--num_threads", "0", "--name", "x", "--no_html", "--display_id=-1");
    expect(args).toEqual(["--name", "x"]);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^--num_threads 0: .*--threads/);
  });

  it("become what they mean where that exists: --gpu_ids -1 is the CPU", () => {
    expect(notes("--gpu_ids", "-1").args).toEqual(["--device", "cpu"]);
    expect(notes("--gpu_ids", "0").args).toEqual([]);
  });

  it("name the other models that are not here", () => {
    expect(notes("--model", "pix2pix")).toEqual({ args: [], notes: [] });
    expect(() => notes("--model", "cycle_gan")).toThrow(/got "cycle_gan", expected pix2pix/);
  });
});

describe("wrong command lines", () => {
  const problem = (...args: string[]) => {
    const elsewhere = new Map([["--input", "translate"]]);
    expect(() => normalise(args, specs, elsewhere)).toThrow(ConfigError);
    try {
      normalise(args, specs, elsewhere);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };

  it("say what is wrong and what is near", () => {
    expect(problem("--lamda_l1", "3")).toBe("unknown option --lamda_l1; did you mean --lambda-l1?");
    expect(problem("--batchsiz=3")).toBe("unknown option --batchsiz; did you mean --batch-size?");
    expect(problem("--xyzzyplugh")).toBe("unknown option --xyzzyplugh");
    expect(problem("-x")).toBe("unknown option -x");
    expect(problem("--input", "a")).toBe("--input is an option of translate, not of this command");
    expect(problem("--name")).toBe("--name needs a value");
    expect(problem("--name", "--ngf", "8")).toBe("--name needs a value, got the option --ngf");
    expect(problem("--no-flip=1")).toMatch(/^--no-flip takes no value, got "1"/);
    expect(problem("facades")).toBe('got "facades", expected an option that starts with --');
    expect(problem("--__proto__")).toMatch(/^unknown option --__proto__/);
    expect(problem("--constructor")).toMatch(/^unknown option --constructor/);
  });
});

describe("every command", () => {
  it("has options of distinct spelling, none of which an older option hides", () => {
    for (const { name, schema } of commands) {
      for (const spec of optionsOf(schema)) {
        const value = spec.type === "boolean" ? [] : ["v"];
        expect(normalise([spec.flag, ...value], optionsOf(schema)).args, name).toEqual([spec.flag, ...value]);
      }
    }
  });
});
