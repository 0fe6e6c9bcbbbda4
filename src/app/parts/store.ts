/** The state of a page in one place: components show it, actions replace it. */
import { useEffect, useState } from "preact/hooks";

export abstract class Store<S extends object> {
  #state: S;
  readonly #listeners = new Set<() => void>();

  constructor(state: S) {
    this.#state = state;
  }

  get state(): S {
    return this.#state;
  }

  protected set(patch: Partial<S>): void {
    this.#state = { ...this.#state, ...patch };
    for (const listen of this.#listeners) listen();
  }

  /** @returns a function that ends the subscription */
  subscribe(listen: () => void): () => void {
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  }
}

/** The state of a store; each change renders the component again. */
export function useStore<S extends object>(store: Store<S>): S {
  const [, draw] = useState(store.state);
  useEffect(() => {
    draw(store.state);
    return store.subscribe(() => draw(store.state));
  }, [store]);
  return store.state;
}
