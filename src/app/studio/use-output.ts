/** The outputs for the present picture of the sheet. */
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { Picture } from "../../platform.ts";
import type { OpenRun, TranslateSettings } from "../home.ts";
import { Live } from "./live.ts";

export interface Outputs {
  /** The newest output; undefined before the first. */
  picture: Picture | undefined;
  /** The picture that the output belongs to. */
  input: Picture | undefined;
  /** The picture of the sheet that it belongs to. */
  source: Picture | undefined;
  /** Further outputs of the same input, with other dropout masks. */
  samples: readonly Picture[];
  busy: boolean;
  /** Milliseconds that a picture takes; undefined before it is known. */
  milliseconds: number | undefined;
  error: string | undefined;
}

const none: Outputs = {
  picture: undefined,
  input: undefined,
  source: undefined,
  samples: [],
  busy: false,
  milliseconds: undefined,
  error: undefined,
};

/** What is to be translated, and how. */
export interface OutputRequest {
  picture: Picture;
  settings: TranslateSettings;
  /** Number of outputs, the first included. */
  samples: number;
}

export function useOutput(run: OpenRun) {
  const [outputs, set] = useState<Outputs>(none);
  const change = (part: Partial<Outputs>) => set((before) => ({ ...before, ...part }));
  const live = useRef<Live | undefined>(undefined);
  const last = useRef<OutputRequest | undefined>(undefined);

  useEffect(() => {
    const own = new Live(run, {
      busy: (busy) => change({ busy }),
      failed: (error) => change({ error: messageOf(error) }),
      done({ picture, source, settings }, output) {
        const { sample = 0 } = settings;
        const milliseconds = own.milliseconds;
        if (sample === 0) change({ picture: output.picture, input: picture, source, error: undefined, milliseconds });
        else set((before) => ({ ...before, samples: [...before.samples.slice(0, sample - 1), output.picture] }));
        const wanted = last.current;
        // The other samples follow one by one, unless a newer picture waits.
        if (wanted && sample + 1 < wanted.samples && !own.waits) {
          own.request(source, { ...settings, sample: sample + 1 });
        }
      },
    });
    live.current = own;
    if (last.current) own.request(last.current.picture, last.current.settings);
    return () => own.close();
  }, [run]);

  return {
    outputs,
    /** Shows a published output until the first one of this machine is computed. */
    show: (picture: Picture, input: Picture) => change({ picture, input }),
    request(next: OutputRequest) {
      last.current = next;
      if (next.samples < 2) change({ samples: [] });
      live.current?.request(next.picture, next.settings);
    },
    follows: () => live.current?.follows ?? true,
  };
}
