/** A picture from the camera of this computer or phone. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Button, Note } from "../parts/basics.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Incoming } from "./incoming.ts";
import { asRgb } from "./raster.ts";

interface CameraProps {
  take(picture: Incoming): void;
  close(): void;
}

const reasons: Record<string, string> = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, and try again.",
  NotFoundError: "This computer has no camera.",
  NotReadableError: "Another program uses the camera.",
};

export function Camera({ take, close }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<string>();
  useEffect(() => {
    const asked = askForCamera();
    asked.then(
      (stream) => {
        if (video.current) video.current.srcObject = stream;
      },
      ({ name, message }: Error) => setError(reasons[name] ?? message),
    );
    // Closing the dialog switches the camera off.
    return () => void asked.then(stop).catch(() => {});
  }, []);
  const shoot = () => {
    const picture = frameOf(video.current!);
    // Closed first: what takes the picture may open another dialog.
    close();
    take({ name: "camera", picture });
  };
  return (
    <Dialog title="Camera" close={close}>
      {error ? (
        <Note bad>{error}</Note>
      ) : (
        <video ref={video} class="camera" autoplay muted playsInline onPlaying={() => setReady(true)} />
      )}
      <div class="row">
        <Button primary disabled={!ready} onClick={shoot}>
          Take the picture
        </Button>
      </div>
    </Dialog>
  );
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function askForCamera(): Promise<MediaStream> {
  // Absent on pages that are not on https or localhost.
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (!devices) throw new Error("Browsers offer the camera only to pages on https or localhost.");
  return devices.getUserMedia({ video: { facingMode: "environment" } });
}

function frameOf(video: HTMLVideoElement) {
  const { videoWidth: width, videoHeight: height } = video;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d")!;
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return asRgb({ width, height, channels: 4, data: new Uint8Array(data.buffer) });
}
