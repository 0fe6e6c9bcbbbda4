/** Section 3: translate pictures, and download outputs, the network and its weights. */
import { stemOf } from "../../data/listing.ts";
import { findPairs } from "../../data/pairs.ts";
import { halves } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import { weightsFile } from "../../run/run.ts";
import type { Client, RemoteTranslator } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import { attempt, onClick, paint, part, save, show } from "./dom.ts";
import { runOf } from "./runs.ts";
import { checkpointsDir } from "./storage.ts";

/** A picture with its name, without its ending. */
interface Named {
  picture: Picture;
  name: string;
}

export class Use {
  #client: Client;
  #name: string | undefined;
  #output: Picture | undefined;
  #tried = 0;

  constructor(client: Client) {
    this.#client = client;
    const input = part<HTMLInputElement>("translate-file");
    input.addEventListener("change", async () => {
      const file = input.files?.[0];
      if (file)
        await attempt(async () => {
          const picture = await images.decode(new Uint8Array(await file.arrayBuffer()));
          await this.#translate({ picture, name: stemOf(file.name) });
        });
      input.value = "";
    });
    onClick("translate-test", async () => this.#translate(await this.#testPicture()));
    onClick("save-picture", async () => {
      if (this.#output) save(await images.encodePng(this.#output), `${this.#name}.png`);
    });
    onClick("save-onnx", async () => {
      save(await this.#client.exportOnnx({ name: this.#run, checkpointsDir }), `${this.#name}.onnx`);
    });
    onClick("save-project", async () => {
      const state = part<HTMLInputElement>("with-state").checked;
      save(await this.#client.exportProject({ name: this.#run, checkpointsDir }, { state }), `${this.#name}.zip`);
    });
    onClick("save-weights", async () => {
      save(await runOf(this.#run).generatorFile(), `${this.#name}_${weightsFile("latest", "G")}`);
    });
  }

  /** Selects the run whose weights are used; undefined where there are none. */
  select(name: string | undefined): void {
    if (name !== this.#name) {
      show(false, "result");
      part<HTMLButtonElement>("save-picture").disabled = true;
    }
    this.#name = name;
    show(name !== undefined, "use");
  }

  get #run(): string {
    return this.#name ?? "";
  }

  /** The next input of the test pairs, or of the training pairs where the data set has no others. */
  async #testPicture(): Promise<Named> {
    const config = await runOf(this.#run).config();
    const found =
      (await findPairs(files, config.dataroot, { phase: "test", skipUnpaired: true }).catch(() => undefined)) ??
      (await findPairs(files, config.dataroot, { skipUnpaired: true }));
    const { name, A, B } = found.pairs[this.#tried++ % found.pairs.length]!;
    const { file, half } = config.direction === "AtoB" ? A : B;
    const picture = await images.decode(await files.read(file));
    return { picture: half ? halves(picture, file)[half] : picture, name };
  }

  async #translate({ picture, name }: Named): Promise<void> {
    part("translating").textContent = "Working…";
    let generator: RemoteTranslator | undefined;
    try {
      // Opened for each picture: the weights change while a run trains.
      generator = await this.#client.openTranslator({ name: this.#run, checkpointsDir });
      this.#output = await generator.translate(picture, { name });
      paint(part<HTMLCanvasElement>("result-input"), picture);
      paint(part<HTMLCanvasElement>("result-output"), this.#output);
      for (const id of ["result-input", "result-output"]) {
        part(id).style.imageRendering = this.#output.width < 200 ? "pixelated" : "auto";
      }
      show(true, "result");
      part<HTMLButtonElement>("save-picture").disabled = false;
    } finally {
      part("translating").textContent = "";
      await generator?.close();
    }
  }
}
