/** What a request may ask for. */
export interface Limits {
  /** Bytes of a request's body. */
  body: number;
  /** Bytes that all requests hold together while they wait and are answered: bodies, and outputs of forms. At least `body`. */
  held: number;
  /**
   * Bytes that answers take together until clients have read them: those of pictures and tensors so many, and ONNX files as many
   * again. One that is alone may take more.
   */
  unread: number;
  /** Seconds without reading after which a client of such an answer is dropped. */
  stall: number;
  /** Pixels of one picture. */
  pixels: number;
  /** Pictures of one request. */
  pictures: number;
  /** Pictures and exports that wait for their turn; the next one is refused. */
  queue: number;
  /** Pictures that are decoded at a time: those that are next, that are computed, and whose outputs are encoded. */
  open: number;
  /** Seconds that a picture or an export may wait and compute. */
  seconds: number;
  /** Generators that stay open. */
  generators: number;
  /** Pictures of one size that run together, where the network allows it. */
  together: number;
  /** Connections that watch runs. */
  watchers: number;
}

export const usualLimits: Limits = {
  body: 64 * 2 ** 20,
  held: 256 * 2 ** 20,
  unread: 256 * 2 ** 20,
  stall: 120,
  pixels: 4096 * 4096,
  pictures: 64,
  queue: 256,
  open: 8,
  seconds: 120,
  generators: 4,
  together: 4,
  watchers: 64,
};
