/** Constants that the build defines: paths of the page's files. */

/** Relative to the page: the worker's script. */
declare const __WORKER__: string;
/** Relative to the page: the folder with ONNX Runtime's files, with a slash at its end. */
declare const __RUNTIME__: string;
