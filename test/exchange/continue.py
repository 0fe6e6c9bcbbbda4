"""Goes on with an exported training in PyTorch: continue.py FOLDER OUT DATA FIRST STEPS

Loads latest_net_{G,D}.pth and latest_optimizers.pth with weights_only and strict, trains STEPS steps on the pairs of DATA in the order of
their names from number FIRST on (counted over epochs), and saves the three files to OUT.
"""
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "fixtures" / "make"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

import networks  # noqa: E402

folder, out, data = map(pathlib.Path, sys.argv[1:4])
first, steps = map(int, sys.argv[4:6])
torch.set_num_threads(1)


def load(name):
    return torch.load(folder / name, weights_only=True)


state = load("latest_optimizers.pth")
options = json.loads(state["pix2pix"]["config"])
config = {"netG": "unet", "levels": 5, "ngf": options["ngf"], "ndf": options["ndf"], "norm": options["norm"], "netD": "basic",
          "n_layers": 3, "gan": options["ganMode"], "lambda": options["lambdaL1"], "lambda_l1": options["lambdaL1"]}
g, d = networks.build(config)
g.load_state_dict(load("latest_net_G.pth"), strict=True)
d.load_state_dict(load("latest_net_D.pth"), strict=True)
trainer = networks.Trainer(config, g.train(), d.train())
trainer.adam_g.load_state_dict(state["optimizer_G"])
trainer.adam_d.load_state_dict(state["optimizer_D"])

pairs = []
for path in sorted(data.glob("*.png")):
    pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None].float() / 127.5 - 1
    pairs.append(pixels.chunk(2, dim=3))
for i in range(first, first + steps):
    trainer.step(*pairs[i % len(pairs)])

out.mkdir(exist_ok=True)
torch.save(g.state_dict(), out / "latest_net_G.pth")
torch.save(d.state_dict(), out / "latest_net_D.pth")
state["optimizer_G"], state["optimizer_D"] = trainer.adam_g.state_dict(), trainer.adam_d.state_dict()
torch.save(state, out / "latest_optimizers.pth")
