/**
 * The kernels of this project on a GPU, in WGSL, for Platform.gpuKernel. Each passes over its tensors once: as ONNX nodes Adam reads and
 * writes five times as much.
 */

/** The loop of a kernel: `body` computes value `i`, of arrays that are as long as `array`. */
const eachValue = (array: string, body: string): string => `
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&${array}); i += groups.x * 256u) {
    ${body}
  }
}`;

/**
 * A step of Adam; the formula is that of adamInPlace in nn/adam.ts. Tensors: values, gradients, m, v. Numbers: those of `adamNumbers`.
 */
export const adamWgsl = `
struct Numbers { size: f32, inverse: f32, epsilon: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32 }
@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read_write> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<uniform> k: Numbers;
${eachValue(
  "p",
  `let m1 = k.beta1 * m[i] + k.rest1 * g[i];
    let v1 = k.beta2 * v[i] + k.rest2 * (g[i] * g[i]);
    m[i] = m1;
    v[i] = v1;
    p[i] -= k.size * m1 / (sqrt(v1) * k.inverse + k.epsilon);`,
)}`;

/** average += share * (values - average). Tensors: the average, values. Numbers: share. */
export const averageWgsl = `
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<uniform> share: f32;
${eachValue("a", "a[i] += share * (p[i] - a[i]);")}`;
