/** Instantiates an assembled kernel and returns its exports. @param kernel WebAssembly in base64 */
export function instance(kernel: string, imports: WebAssembly.Imports = {}): WebAssembly.Exports {
  const module = new WebAssembly.Module(Uint8Array.from(atob(kernel), (c) => c.charCodeAt(0)));
  return new WebAssembly.Instance(module, imports).exports;
}
