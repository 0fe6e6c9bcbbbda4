"""The PyTorch side of `npm run bench`: pix2pix training steps in PyTorch, as an experienced user writes them.

Prints one line of JSON: step_s, step_min_s, step_cpu_s (processor time of all threads), forward_s, forward_cpu_s (medians, but for the
minimum), rss_mb (peak), threads, runtime. One step is: G forward; D on the fake and the real pair; Adam on D; the losses of G (through
the updated D, and L1); Adam on G. The networks are a U-Net with dropout and batch norm and a 70x70 PatchGAN, from
test/fixtures/make/networks.py. The input is random and in memory before the timing starts. `--describe` prints instead what this PyTorch
can do.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "make"))


def timed(action, wait):
    """Seconds of the wall clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    wait()
    return time.perf_counter() - wall, time.process_time() - cpu


def times(count, action, wait):
    """Medians and the least time, after 2 untimed runs."""
    walls, cpus = zip(*[timed(action, wait) for _ in range(count + 2)][2:])
    return {"s": statistics.median(walls), "min_s": min(walls), "cpu_s": statistics.median(cpus)}


def describe():
    """What a benchmark can choose from: the library of matrix products, torch.compile, CUDA."""
    import torch

    maps = pathlib.Path("/proc/self/maps")
    loaded = maps.read_text().split("\n") if maps.exists() else []
    cuda = torch.cuda.is_available()
    return {
        "version": torch.__version__,
        # NumPy brings an OpenBLAS of its own.
        "openblas": any("openblas" in line and "numpy" not in line for line in loaded),
        "compile": hasattr(torch, "compile") and shutil.which(os.environ.get("CXX", "g++")) is not None,
        "gpu": torch.cuda.get_device_name() if cuda else None,
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--describe", action="store_true", help="print version, openblas, compile, gpu as JSON")
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels, a power of two from 32 (256)")
    parser.add_argument("--ngf", type=int, default=64, help="filters of the first layer of G and of D (64)")
    parser.add_argument("--batch", type=int, default=1, help="pairs per step (1)")
    parser.add_argument("--steps", type=int, default=8, help="timed steps, after 2 untimed (8)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads per operator (all cores)")
    parser.add_argument("--cuda", action="store_true", help="compute on the GPU")
    parser.add_argument("--tf32", action="store_true", help="allow TF32 in matrix products and convolutions")
    parser.add_argument("--channels-last", action="store_true", help="weights and pictures in the layout NHWC")
    parser.add_argument("--compile", action="store_true", help="both networks by torch.compile")
    parser.add_argument("--bfloat16", action="store_true", help="autocast to bfloat16")
    return parser.parse_args()


def main():
    options = arguments()
    if options.describe:
        print(json.dumps(describe()))
        return
    import networks
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    device = torch.device("cuda" if options.cuda else "cpu")
    wait = torch.cuda.synchronize if options.cuda else (lambda: None)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format

    config = {
        "netG": "unet", "netD": "basic", "n_layers": 3, "levels": options.size.bit_length() - 1, "norm": "batch",
        "ngf": options.ngf, "ndf": options.ngf, "gan": "vanilla", "lambda_l1": 100.0, "dropout": True,
    }  # fmt: skip
    pair = []
    for network in networks.build(config):
        for layer in network.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                torch.nn.init.normal_(layer.weight, 0, 0.02)
        network.to(device, memory_format=layout)
        pair.append(torch.compile(network) if options.compile else network)
    generator, discriminator = pair
    shape = (options.batch, 3, options.size, options.size)
    a, b = ((torch.rand(shape) * 2 - 1).to(device, memory_format=layout) for _ in "ab")

    with torch.autocast(device.type, torch.bfloat16, enabled=options.bfloat16):
        trainer = networks.Trainer(config, generator, discriminator)
        step = times(options.steps, lambda: trainer.step(a, b), wait)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        with torch.inference_mode():
            forward = times(max(options.steps, 8), lambda: generator(a), wait)
    result = {
        "step_s": step["s"], "step_min_s": step["min_s"], "step_cpu_s": step["cpu_s"],
        "forward_s": forward["s"], "forward_cpu_s": forward["cpu_s"],
    }  # fmt: skip
    rounded = {name: round(seconds, 4) for name, seconds in result.items()}
    print(json.dumps({**rounded, "rss_mb": round(rss), "threads": torch.get_num_threads(), "runtime": torch.__version__}))


if __name__ == "__main__":
    main()
