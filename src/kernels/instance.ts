/** The exports of an assembled kernel. */
export function instance(kernel: string, imports: WebAssembly.Imports = {}): WebAssembly.Exports {
  const module = new WebAssembly.Module(Uint8Array.from(atob(kernel), (c) => c.charCodeAt(0)));
  return new WebAssembly.Instance(module, imports).exports;
}
