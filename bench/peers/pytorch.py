"""The PyTorch side of `npm run bench`: pix2pix training steps in eager float32 PyTorch, as an experienced user writes them.

Prints one line of JSON: step_s_median, step_s_min, forward_s_median, rss_mb (peak), threads, torch. One step is: G forward;
D on the fake and the real pair; Adam on D; the losses of G (through the updated D, and L1); Adam on G. The networks are a
U-Net with dropout and batch norm and a 70x70 PatchGAN, from test/fixtures/make/networks.py. The input is random and in
memory before the timing starts.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "make"))


def timed(action, wait):
    start = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels, a power of two from 32 (256)")
    parser.add_argument("--ngf", type=int, default=64, help="filters of the first layer of G and of D (64)")
    parser.add_argument("--batch", type=int, default=1, help="pairs per step (1)")
    parser.add_argument("--steps", type=int, default=8, help="timed steps, after 2 untimed (8)")
    parser.add_argument("--threads", type=int, help="threads per operator (all cores)")
    parser.add_argument("--forward", action="store_true", help="time only the generator's forward pass")
    parser.add_argument("--cuda", action="store_true", help="compute on the GPU")
    parser.add_argument("--tf32", action="store_true", help="allow TF32 in matrix products and convolutions")
    options = parser.parse_args()
    threads = options.threads or len(os.sched_getaffinity(0))
    # The libraries read these variables when they are loaded. OpenBLAS has its own threads. If PyTorch's OpenMP threads spin
    # between two parallel regions, they take the cores from OpenBLAS: 1.1 s a step instead of 0.82 s on 2 cores.
    os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import networks
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    device = torch.device("cuda" if options.cuda else "cpu")
    wait = torch.cuda.synchronize if options.cuda else (lambda: None)

    config = {
        "netG": "unet", "netD": "basic", "n_layers": 3, "levels": options.size.bit_length() - 1, "norm": "batch",
        "ngf": options.ngf, "ndf": options.ngf, "gan": "vanilla", "lambda_l1": 100.0, "dropout": True,
    }  # fmt: skip
    generator, discriminator = networks.build(config)
    for network in (generator, discriminator):
        for layer in network.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                torch.nn.init.normal_(layer.weight, 0, 0.02)
        network.to(device)
    shape = (options.batch, 3, options.size, options.size)
    a, b = ((torch.rand(shape) * 2 - 1).to(device) for _ in "ab")

    result = {}
    if not options.forward:
        trainer = networks.Trainer(config, generator, discriminator)
        times = [timed(lambda: trainer.step(a, b), wait) for _ in range(options.steps + 2)][2:]
        result = {"step_s_median": round(statistics.median(times), 4), "step_s_min": round(min(times), 4)}
    with torch.no_grad():
        times = [timed(lambda: generator(a), wait) for _ in range(options.steps + 2)][2:]
    result["forward_s_median"] = round(statistics.median(times), 4)
    result["rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({**result, "threads": torch.get_num_threads(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
