/** A discriminator's maps (real or fake, for each patch) over the pictures of a sample, with a legend. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { JudgedSamples } from "../../inference/judge.ts";
import type { Picture } from "../../platform.ts";
import { stack, stripGap } from "../../report/compose.ts";
import { patchPicture, scaleGradient } from "../../report/patch-map.ts";
import { Note } from "./basics.tsx";
import { PictureView } from "./picture.tsx";

interface PatchMapProps {
  /** The strip of samples: rows of input, output and target. */
  src: string;
  /** Gets the maps of the sample; a new function gets them again. */
  judge(): Promise<JudgedSamples>;
  /** The moment or run of the sample, for labels: "at step 300". */
  of: string;
}

interface Shown {
  input: Picture;
  output: Picture;
  target: Picture;
  judged: JudgedSamples;
}

/** The pictures of a strip under D's maps, with what the colours mean. */
export function PatchMaps({ src, judge, of }: PatchMapProps) {
  const [shown, show] = useState<Shown>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let wanted = true;
    setProblem(undefined);
    Promise.all([columnsOf(src), judge()]).then(
      ([columns, judged]) => wanted && show(painted(columns, judged)),
      (error) => wanted && setProblem(messageOf(error)),
    );
    return () => {
      wanted = false;
    };
  }, [src, judge]);
  if (problem) return <Note bad>{problem}</Note>;
  if (!shown) {
    return (
      <p class="soft" role="status">
        Computing the discriminator's maps…
      </p>
    );
  }
  return (
    <div class="patch-maps">
      <div class="columns soft small" aria-hidden="true">
        <span>input</span>
        <span>D on the output</span>
        <span>D on the target</span>
      </div>
      <div class="patch-columns">
        <PictureView alpha picture={shown.input} label={`input: ${of}`} />
        <PictureView alpha picture={shown.output} label={`where D takes the output for real: ${of}`} />
        <PictureView alpha picture={shown.target} label={`where D takes the target for real: ${of}`} />
      </div>
      <Legend judged={shown.judged} />
    </div>
  );
}

function Legend({ judged: { pairs, patch, step } }: { judged: JudgedSamples }) {
  const mean = (side: "output" | "target") =>
    (pairs.reduce((sum, pair) => sum + pair[side].mean, 0) / pairs.length).toFixed(2);
  return (
    <>
      <div class="patch-legend small">
        <span>0 fake</span>
        <span class="patch-scale" style={{ background: scaleGradient }} />
        <span>1 real</span>
      </div>
      <p class="small soft">
        D{step !== undefined && ` of step ${step}`} gives the outputs {mean("output")} on average, the targets{" "}
        {mean("target")}; 0.5 is undecided. Each value judges a patch of {patch} px.
      </p>
    </>
  );
}

type Columns = readonly [input: ImageData, output: ImageData, target: ImageData];

async function columnsOf(src: string): Promise<Columns> {
  const image = new Image();
  image.src = src;
  await image.decode();
  const { naturalWidth, naturalHeight: height } = image;
  const width = (naturalWidth - 2 * stripGap) / 3;
  const canvas = Object.assign(document.createElement("canvas"), { width: naturalWidth, height });
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  const column = (at: number) => context.getImageData(at * (width + stripGap), 0, width, height);
  return [column(0), column(1), column(2)];
}

const pictureOf = ({ width, height, data }: ImageData): Picture => ({
  width,
  height,
  channels: 4,
  data: new Uint8Array(data.buffer),
});

function painted([input, output, target]: Columns, judged: JudgedSamples): Shown {
  const { pairs } = judged;
  const rowHeight = (input.height + stripGap) / pairs.length - stripGap;
  const under = (column: ImageData, side: "output" | "target") => {
    const { width, data } = pictureOf(column);
    const rows = pairs.map((pair, i) => {
      const from = i * (rowHeight + stripGap) * width * 4;
      const row = data.subarray(from, from + rowHeight * width * 4);
      return patchPicture({ width, height: rowHeight, channels: 4, data: row }, pair[side]);
    });
    return stack(rows);
  };
  return { input: pictureOf(input), output: under(output, "output"), target: under(target, "target"), judged };
}
