"""Loads exported files into the networks of the PyTorch repository: upstream.py CHECKOUT FOLDER CONFIG

weights_only, strict; then saves its own state dict beside, for the import. Prints ok.
"""
import json
import pathlib
import sys

import torch

checkout, folder, config = map(pathlib.Path, sys.argv[1:4])
sys.path.insert(0, str(checkout))
from models import networks  # noqa: E402

options = json.loads(config.read_text())
g = networks.define_G(options["inputNc"], options["outputNc"], options["ngf"], options["netG"], options["norm"],
                      not options["noDropout"])
d = networks.define_D(options["inputNc"] + options["outputNc"], options["ndf"], options["netD"], options["nLayersD"], options["norm"])
for net, name in ((g, "latest_net_G.pth"), (d, "latest_net_D.pth")):
    if (folder / name).exists():
        net.load_state_dict(torch.load(folder / name, weights_only=True), strict=True)
        torch.save(net.state_dict(), folder / ("upstream_" + name))
print("ok", sum(p.numel() for p in g.parameters()))
