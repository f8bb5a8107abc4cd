"""A voice cut in two says what the whole said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from parley.convert import cut_voice
from pipeline.errors import WeightsError

CHANNELS = 4


def weight(name: str, *shape: int) -> onnx.TensorProto:
    values = np.random.default_rng(len(name)).normal(size=shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def make_voice(path: Path, speakers: bool = False) -> None:
    """A toy in the shape of a Piper voice: flow, mask, wide convolution, upsampling, sound."""
    node = helper.make_node
    nodes = [
        node("Conv", ["input", "flow.w"], ["flowed"], kernel_shape=[3], pads=[1, 1]),
        node("Mul", ["flowed", "mask"], ["latent"]),
        node("Conv", ["latent", "pre.w"], ["wide"], kernel_shape=[7], pads=[3, 3]),
        node("LeakyRelu", ["conditioned" if speakers else "wide"], ["bent"]),
        node("ConvTranspose", ["bent", "up.w"], ["long"], kernel_shape=[4], strides=[2]),
        node("Tanh", ["long"], ["output"]),
    ]
    tensors = [
        weight("flow.w", CHANNELS, CHANNELS, 3),
        weight("pre.w", CHANNELS, CHANNELS, 7),
        weight("up.w", CHANNELS, 1, 4),
        numpy_helper.from_array(np.float32(0.5), "mask"),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, CHANNELS, "frames"])]
    if speakers:
        nodes[3:3] = [
            node("Gather", ["speakers.w", "sid"], ["vector"]),
            node("Conv", ["vector", "cond.w"], ["shift"], kernel_shape=[1]),
            node("Add", ["shift", "wide"], ["conditioned"]),
        ]
        tensors += [weight("speakers.w", 3, CHANNELS, 1), weight("cond.w", CHANNELS, CHANNELS, 1)]
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])]
    graph = helper.make_graph(nodes, "voice", inputs, outputs, tensors)
    opset = [helper.make_opsetid("", 15)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def run(path: Path, **inputs: Any) -> Any:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = {value.name for value in session.get_inputs()}
    return session.run(None, {name: inputs[name] for name in names})[0]


@pytest.mark.parametrize("speakers", [False, True])
def test_the_halves_in_a_row_are_the_whole(tmp_path: Path, speakers: bool) -> None:
    voice = tmp_path / "voice.onnx"
    make_voice(voice, speakers)
    cut_voice(voice, tmp_path)
    frames = np.random.default_rng(1).normal(size=(1, CHANNELS, 9)).astype(np.float32)
    given = {"input": frames, "sid": np.array([2])}
    latent = run(tmp_path / "encoder.onnx", **given)
    said = run(tmp_path / "decoder.onnx", latent=latent, **given)
    np.testing.assert_allclose(said, run(voice, **given), rtol=1e-6)


def test_the_cut_is_before_the_decoders_first_convolution(tmp_path: Path) -> None:
    make_voice(tmp_path / "voice.onnx", speakers=True)
    cut_voice(tmp_path / "voice.onnx", tmp_path)
    decoder = onnx.load(str(tmp_path / "decoder.onnx")).graph
    assert [value.name for value in decoder.input] == ["latent", "sid"]


def test_a_graph_that_is_no_voice_is_refused(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Tanh", ["input"], ["output"])],
        "no voice",
        [value("input", TensorProto.FLOAT, [1])],
        [value("output", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "other.onnx"
    onnx.save(helper.make_model(graph), str(path))
    with pytest.raises(WeightsError, match="is no Piper voice"):
        cut_voice(path, tmp_path)
