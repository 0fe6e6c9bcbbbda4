"""Other runtimes of `npm run bench`: the forward pass of the same generator in ONNX Runtime (Python) or in TensorFlow.

Prints one line of JSON: forward_s, forward_cpu_s (medians; processor time of all threads), rss_mb (peak), threads, runtime.
"""
import argparse
import json
import os
import resource
import statistics
import time


def onnxruntime(options):
    """The ONNX file that `pix2pix export` writes, with the runtime's defaults but for the threads."""
    import numpy
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(options.model, settings, providers=["CPUExecutionProvider"])
    shape = (options.batch, 3, options.size, options.size)
    feeds = {session.get_inputs()[0].name: numpy.random.default_rng(0).uniform(-1, 1, shape).astype("float32")}
    return onnxruntime.__version__, lambda: session.run(None, feeds)


def tensorflow(options):
    """The same U-Net of Keras layers in NHWC, as a function that TensorFlow has compiled."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers, levels = tf.keras.layers, options.size.bit_length() - 1
    width = [min(2**i, 8) * options.ngf for i in range(levels)]

    def conv(kind, x, filters, bias=False):
        return kind(filters, 4, 2, "same", use_bias=bias)(x)

    x = inputs = tf.keras.Input((options.size, options.size, 3), options.batch)
    skips = []
    for level in range(levels):
        x = conv(layers.Conv2D, layers.LeakyReLU(0.2)(x) if level else x, width[level])
        if 0 < level < levels - 1:
            x = layers.BatchNormalization()(x, training=True)
        skips.append(x)
    skips.pop()
    for level in range(levels - 2, -1, -1):
        x = layers.BatchNormalization()(conv(layers.Conv2DTranspose, layers.ReLU()(x), width[level]), training=True)
        if 3 < level:
            x = layers.Dropout(0.5)(x, training=True)
        x = layers.Concatenate()([skips.pop(), x])
    outputs = layers.Activation("tanh")(conv(layers.Conv2DTranspose, layers.ReLU()(x), 3, True))
    function = tf.function(tf.keras.Model(inputs, outputs))
    picture = tf.random.uniform((options.batch, options.size, options.size, 3), -1, 1)
    return tf.__version__, lambda: function(picture).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=["onnxruntime", "tensorflow"])
    parser.add_argument("--model", help="the ONNX file of the generator")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--ngf", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    version, run = {"onnxruntime": onnxruntime, "tensorflow": tensorflow}[options.runtime](options)
    walls, cpus = [], []
    for i in range(max(options.steps, 8) + 2):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        if i >= 2:
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    print(json.dumps({
        "forward_s": round(statistics.median(walls), 4), "forward_cpu_s": round(statistics.median(cpus), 4),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
        "threads": options.threads, "runtime": version,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
