"""Checks ONNX files with onnx.checker, runs them with onnxruntime, and parses Triton's configuration by its own schema.

Usage: check-onnx.py FOLDER, which holds cases.json: a list of {file, input, expected} and {triton}; prints a list of results.
Arrays are {file, type, shape}, the file with the bare values.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort


def array(folder, stored):
    values = np.fromfile(os.path.join(folder, stored["file"]), stored["type"])
    return values.reshape(stored["shape"])


def check(folder, case):
    path = os.path.join(folder, case["file"])
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    real_a = array(folder, case["input"])
    (fake_b,) = session.run(None, {"real_A": real_a})
    result = {
        "opset": [(each.domain, each.version) for each in model.opset_import],
        "ir": model.ir_version,
        "metadata": {each.key: each.value for each in model.metadata_props},
        "doc": model.doc_string,
        "docs": [each.doc_string for each in [*model.graph.input, *model.graph.output]],
        "shape": list(fake_b.shape),
        "type": str(fake_b.dtype),
        "weights": sorted({onnx.TensorProto.DataType.Name(each.data_type) for each in model.graph.initializer}),
        "again": float(np.abs(session.run(None, {"real_A": real_a})[0].astype(np.float64) - fake_b).max()),
    }
    if "expected" in case:
        expected = array(folder, case["expected"]).astype(np.float64)
        result["difference"] = float(np.abs(fake_b.astype(np.float64) - expected).max())
    return result


def triton(path):
    try:
        from google.protobuf import text_format
        from tritonclient.grpc import model_config_pb2
    except ImportError:
        return None
    config = model_config_pb2.ModelConfig()
    with open(path, encoding="utf8") as file:
        text_format.Parse(file.read(), config)
    value = lambda each: [each.name, model_config_pb2.DataType.Name(each.data_type), list(each.dims)]
    return {
        "name": config.name,
        "backend": config.backend,
        "batch": config.max_batch_size,
        "batching": config.HasField("dynamic_batching"),
        "input": value(config.input[0]),
        "output": value(config.output[0]),
    }


folder = sys.argv[1]
with open(os.path.join(folder, "cases.json"), encoding="utf8") as file:
    cases = json.load(file)
results = [triton(os.path.join(folder, c["triton"])) if "triton" in c else check(folder, c) for c in cases]
print(json.dumps(results))
