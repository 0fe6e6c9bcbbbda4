"""Compares the 8-bit weights of an ONNX file with the weights of the float32 file, by NumPy alone.

Usage: check-int8.py FLOAT32.onnx INT8.onnx; prints the number of convolutions with 8-bit weights, the largest 8-bit value, and
the largest distance of a weight from its 8-bit value, in steps of its scale.
"""

import json
import sys

import numpy as np
import onnx
from onnx import numpy_helper


def tensors(model):
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


whole, small = (onnx.load(path) for path in sys.argv[1:3])
floats, stored = tensors(whole), tensors(small)
result = {"convolutions": 0, "largest": 0, "steps": 0.0}
for node in small.graph.node:
    if node.op_type != "DequantizeLinear":
        continue
    weight, values, scales = floats[node.output[0]], stored[node.input[0]], stored[node.input[1]]
    assert [each.i for each in node.attribute if each.name == "axis"] == [0]
    users = [each for each in small.graph.node if node.output[0] in each.input]
    assert [each.op_type in ("Conv", "ConvTranspose") for each in users] == [True]
    steps = np.abs(weight / scales.reshape(-1, 1, 1, 1) - values)
    result["convolutions"] += 1
    result["largest"] = max(result["largest"], int(np.abs(values.astype(int)).max()))
    result["steps"] = max(result["steps"], float(steps.max()))
print(json.dumps(result))
