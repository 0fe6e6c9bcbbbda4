/** Section 3: translate pictures, and download outputs, the network and its weights. */
import { useEffect, useRef, useState } from "preact/hooks";
import { stemOf } from "../../data/listing.ts";
import { findPairs } from "../../data/pairs.ts";
import { halves } from "../../data/transforms.ts";
import type { Picture } from "../../platform.ts";
import { weightsFile } from "../../run/run.ts";
import type { Client } from "../../web/client.ts";
import { files } from "../../web/files.ts";
import { images } from "../../web/images.ts";
import { Button } from "../parts/basics.tsx";
import { takenFiles } from "../parts/pick.ts";
import { PictureView } from "../parts/picture.tsx";
import { save } from "../parts/save.ts";
import { runOf } from "./runs.ts";
import { checkpointsDir } from "./storage.ts";

/** A picture with its name, without its ending. */
interface Named {
  picture: Picture;
  name: string;
}

interface UseProps {
  client: Client;
  /** The run. */
  name: string;
  /** Runs work, and shows its failure. */
  attempt(work: () => Promise<unknown>): Promise<void>;
}

export function Use(props: UseProps) {
  const { client, name, attempt } = props;
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<{ input: Picture; output: Picture }>();
  const tried = useRef(0);
  useEffect(() => setResult(undefined), [name]);
  const translate = (given: () => Promise<Named>) =>
    attempt(async () => {
      setBusy(true);
      const work = async () => setResult(await translated(client, name, await given()));
      await work().finally(() => setBusy(false));
    });
  return (
    <section class="card" id="use" aria-labelledby="use-title">
      <h2 id="use-title">
        <b>3</b> Use it
      </h2>
      <p class="soft">Give it a picture that it has not seen.</p>
      <div class="row">
        <label class="button">
          Choose a picture
          <input
            type="file"
            id="translate-file"
            accept="image/*"
            class="unseen"
            onChange={({ currentTarget }) => {
              const [file] = takenFiles(currentTarget);
              if (file) void translate(() => decoded(file));
            }}
          />
        </label>
        <Button id="translate-test" onClick={() => translate(() => testPicture(name, tried.current++))}>
          A picture of the data set
        </Button>
        <span class="soft" role="status">
          {busy && "Working…"}
        </span>
      </div>
      {result && (
        <div id="result" class="result">
          {(["input", "output"] as const).map((side) => (
            <figure key={side}>
              <figcaption>{side}</figcaption>
              <PictureView picture={result[side]} label={`The ${side}`} />
            </figure>
          ))}
        </div>
      )}
      <Downloads {...props} output={result?.output} />
    </section>
  );
}

/** The last output, the network, its weights and the whole run as files. */
function Downloads({ client, name, attempt, output }: UseProps & { output: Picture | undefined }) {
  const [state, setState] = useState(false);
  const place = { name, checkpointsDir };
  const download = (file: string, content: () => Promise<Parameters<typeof save>[0]>) => () =>
    attempt(async () => save(await content(), file));
  return (
    <div class="row">
      <Button id="save-picture" disabled={!output} onClick={download(`${name}.png`, () => images.encodePng(output!))}>
        Save the output
      </Button>
      <Button id="save-onnx" onClick={download(`${name}.onnx`, () => client.exportOnnx(place))}>
        Download the network (ONNX)
      </Button>
      <Button
        id="save-weights"
        onClick={download(`${name}_${weightsFile("latest", "G")}`, () => runOf(name).generatorFile())}
      >
        Download the weights (safetensors)
      </Button>
      <Button id="save-project" onClick={download(`${name}.zip`, () => client.exportProject(place, { state }))}>
        Download the project (zip)
      </Button>
      <label class="check">
        <input
          type="checkbox"
          id="with-state"
          checked={state}
          onChange={({ currentTarget }) => setState(currentTarget.checked)}
        />{" "}
        with the training state, to continue it elsewhere
      </label>
    </div>
  );
}

async function decoded(file: File): Promise<Named> {
  return {
    picture: await images.decode(new Uint8Array(await file.arrayBuffer()), { upright: true }),
    name: stemOf(file.name),
  };
}

/** An input of the pairs that are kept from training, or of the training pairs where there are no others. */
async function testPicture(run: string, index: number): Promise<Named> {
  const { dataroot, direction, datasetMode } = await runOf(run).config();
  const find = (phase?: string) => findPairs(files, dataroot, { datasetMode, skipUnpaired: true, phase });
  const none = () => undefined;
  const { pairs } = (await find("test").catch(none)) ?? (await find("val").catch(none)) ?? (await find());
  const { name, A, B } = pairs[index % pairs.length]!;
  const { file, half } = direction === "AtoB" ? A : B;
  const picture = await images.decode(await files.read(file));
  return { picture: half ? halves(picture, file)[half] : picture, name };
}

/** Opens the generator for each picture, because the weights change while the run trains. */
async function translated(client: Client, run: string, { picture, name }: Named) {
  const generator = await client.openTranslator({ name: run, checkpointsDir });
  try {
    return { input: picture, output: await generator.translate(picture, { name }) };
  } finally {
    await generator.close();
  }
}
