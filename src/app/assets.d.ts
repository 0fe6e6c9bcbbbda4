/** What the build puts in: the contents of an HTML file as text, and the addresses of the page's own files. */
declare module "*.html" {
  const text: string;
  export default text;
}
/** Relative to the page: the worker's script. */
declare const __WORKER__: string;
/** Relative to the page: the folder with ONNX Runtime's files, with a slash at its end. */
declare const __RUNTIME__: string;
