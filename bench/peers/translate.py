"""The PyTorch side of `npm run bench -- translate`: a folder of JPEGs through a U-Net to PNGs, as an experienced user writes it.

A DataLoader decodes with PIL in worker processes; the network runs in channels_last under inference_mode with the norms' statistics
of each picture (at batch 1 those of the batch), and threads of a pool encode PNGs with PIL while it runs. Prints one line of JSON:
seconds from the start of the process to the last file, rss_mb (peak of this process), threads, torch.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import resource
import sys
import time

began = time.perf_counter()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--weights", required=True, help="latest_net_G.safetensors of a run")
    parser.add_argument("--ngf", type=int, default=64)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes of the DataLoader, and threads that encode")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import numpy
    import torch
    from PIL import Image
    from safetensors.torch import load_file

    # A script in this folder has the name of the package.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "test" / "fixtures" / "make"))
    import networks

    torch.set_num_threads(options.threads)
    config = {
        "netG": "unet", "netD": "basic", "n_layers": 3, "levels": options.size.bit_length() - 1, "norm": "batch",
        "ngf": options.ngf, "ndf": options.ngf, "gan": "vanilla", "lambda_l1": 100.0, "dropout": True,
    }  # fmt: skip
    generator, _ = networks.build(config)
    stored = load_file(options.weights)
    own = generator.state_dict()
    generator.load_state_dict({key: stored.get(key, value) for key, value in own.items()})
    generator.to(memory_format=torch.channels_last)
    for layer in generator.modules():
        # Each picture has its own statistics, as at batch 1.
        if isinstance(layer, torch.nn.BatchNorm2d) and options.batch > 1:
            layer.forward = lambda x, layer=layer: torch.nn.functional.instance_norm(
                x, None, None, layer.weight, layer.bias, True, 0.0, layer.eps
            )
    paths = sorted(pathlib.Path(options.input).iterdir())
    os.makedirs(options.out, exist_ok=True)

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return len(paths)

        def __getitem__(self, index):
            picture = Image.open(paths[index]).convert("RGB").resize((options.size, options.size), Image.BICUBIC)
            values = torch.from_numpy(numpy.array(picture))
            return values.permute(2, 0, 1).float() / 127.5 - 1, index

    def save(values, index):
        Image.fromarray(values).save(os.path.join(options.out, paths[index].stem + ".png"))

    loader = torch.utils.data.DataLoader(Pictures(), options.batch, num_workers=options.workers, prefetch_factor=4)
    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool, torch.inference_mode():
        saving = []
        for pictures, indices in loader:
            outputs = generator(pictures.to(memory_format=torch.channels_last))
            values = ((outputs + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
            saving += [pool.submit(save, value, index) for value, index in zip(values, indices.tolist())]
            while len(saving) > 32:
                saving.pop(0).result()
        for each in saving:
            each.result()
    seconds = time.perf_counter() - began
    rss = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"seconds": round(seconds, 3), "rss_mb": rss, "threads": torch.get_num_threads(), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
