/** A picture that has the shape of two pictures side by side: asks which half is the input. */
import { Button } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { PictureView } from "../parts/picture.tsx";
import { halvesOf, type Incoming } from "./incoming.ts";

interface PairedProps {
  incoming: Incoming;
  /** @param target the other half, where one half was chosen */
  take(input: Incoming, target?: Incoming): void;
  close(): void;
}

export function Paired({ incoming, take, close }: PairedProps) {
  const { left, right } = halvesOf(incoming);
  const choose = (input: Incoming, target?: Incoming) => () => {
    take(input, target);
    close();
  };
  return (
    <Dialog title="Two pictures side by side?" close={close}>
      <p>
        This picture is twice as wide as the pictures that the generator was trained on. Which half is the input? The
        other half becomes the target, with which the output is compared.
      </p>
      <div class="halves">
        <button type="button" class="choice" onClick={choose(left, right)}>
          <PictureView picture={left.picture} label="Left half" />
          Left half
        </button>
        <button type="button" class="choice" onClick={choose(right, left)}>
          <PictureView picture={right.picture} label="Right half" />
          Right half
        </button>
      </div>
      <div class="row">
        <Button onClick={choose(incoming)}>The whole picture</Button>
      </div>
    </Dialog>
  );
}
