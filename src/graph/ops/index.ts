/**
 * All ops. The export name of a capitalised declaration is its ONNX op_type; lower-case exports build with them.
 *
 * Vocabulary of a gradient rule: `x` the inputs in ONNX order, `y` the output, `dy` the gradient of the loss by `y`,
 * `attrs` the attributes. A rule returns one entry per input, null where an input has no gradient. `none` says that the
 * gradient is zero by definition; a declaration without either makes differentiating fail with its name and place.
 */
export * from "./conv.ts";
export * from "./elementwise.ts";
export * from "./linear.ts";
export * from "./movement.ts";
export * from "./pooling.ts";
export * from "./reduce.ts";
