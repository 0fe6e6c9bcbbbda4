/** Kernels of this project on the device of onnxruntime-web. */
import type { BoundKernel, GpuKernel, Tensor } from "../platform.ts";

/** Values that a workgroup computes, and workgroups that every device can launch. */
const lanes = 256;
const mostGroups = 65535;

/** Flags of GPUBufferUsage, which TypeScript does not declare. */
const usage = { copyDst: 0x8, uniform: 0x40 };

/** `Platform.gpuKernel`. @param device on which the runtime computes */
export async function gpuKernel(device: GPUDevice, code: string): Promise<GpuKernel> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  return { bind: (sets, count) => bound(device, pipeline, sets, count) };
}

function bound(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  sets: readonly (readonly Tensor[])[],
  count: number,
): BoundKernel {
  const uniform = device.createBuffer({ size: 4 * count, usage: usage.uniform | usage.copyDst });
  const launches = sets.map((tensors) => {
    // A buffer of the runtime may be larger than its tensor.
    const buffers = tensors.map(({ gpuBuffer, size }) => ({ buffer: gpuBuffer as GPUBuffer, size: 4 * size }));
    const entries = [...buffers, { buffer: uniform }].map((resource, binding) => ({ binding, resource }));
    return {
      group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
      workgroups: Math.min(mostGroups, Math.ceil(tensors[0]!.size / lanes)),
    };
  });
  return {
    run(numbers) {
      device.queue.writeBuffer(uniform, 0, Float32Array.from(numbers));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (const { group, workgroups } of launches) {
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(workgroups);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    },
    release: () => uniform.destroy(),
  };
}
