/**
 * All ops. A capitalised export is a declaration under its ONNX op_type (DepthwiseConv: a Conv with groups); a lower-case one is a
 * function that adds nodes of these ops, or a rule or limit that ops and lowerings share (`broadcast`, `beyond`, `mostParts`).
 *
 * Names in a gradient rule: `x` the inputs in ONNX order, `y` the output, `dy` the gradient of the loss with respect to
 * `y`, `attrs` the attributes. A rule returns one entry for each input, null for an input without a gradient.
 */
export * from "./conv.ts";
export * from "./depthwise.ts";
export * from "./elementwise.ts";
export * from "./linear.ts";
export * from "./movement.ts";
export { BatchNorm } from "./norm.ts";
export * from "./pooling.ts";
export * from "./reduce.ts";
