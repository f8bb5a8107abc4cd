"""What is made of weights once they are fetched, so that they serve quickly.

Two conversions. A Piper voice is one graph from phonemes to sound; cut in two at the decoder's
input, the decoder can run on a few frames at a time, and the first sound is there long before the
last. A language model that came as GGUF becomes safetensors in int8, which vLLM serves on a CPU
in two thirds of the time per token that float32 takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError

# -- A Piper voice ----------------------------------------------------------------------------


def cut_voice(source: Path, folder: Path) -> None:
    """Cut the Piper graph ``source`` into ``encoder.onnx`` and ``decoder.onnx`` in ``folder``.

    The encoder's inputs are the voice's own; its one output is the latent, float32
    (1, channels, frames). The decoder turns that into the voice's output, and asks for ``sid`` as
    well where a voice has several speakers.

    Raises:
        WeightsError: this is no graph of a Piper voice.
    """
    import onnx
    import onnx.utils

    graph = onnx.load(str(source)).graph
    latent = _decoder_input(source, graph)
    inputs = [value.name for value in graph.input]
    outputs = [value.name for value in graph.output]
    speaker = ["sid"] if "sid" in inputs else []
    onnx.utils.extract_model(str(source), str(folder / "encoder.onnx"), inputs, [latent])
    onnx.utils.extract_model(str(source), str(folder / "decoder.onnx"), [latent, *speaker], outputs)


def _decoder_input(source: Path, graph: Any) -> str:
    """Name of the tensor that enters the decoder (HiFi-GAN).

    Only the decoder stretches time, with transposed convolutions. So it begins at the convolution
    that feeds the first of these; what lies between is activation and, with several speakers,
    the sum with a convolution of width 1 over the speaker's vector.
    """
    maker = {output: node for node in graph.node for output in node.output}
    first = next((node for node in graph.node if node.op_type == "ConvTranspose"), None)
    ahead = [first.input[0]] if first is not None else []
    seen: set[str] = set()
    while ahead:
        name = ahead.pop(0)
        node = maker.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op_type == "Conv":
            if _kernel_width(node) > 1:
                return str(node.input[0])
        else:
            ahead.extend(node.input)
    raise WeightsError(
        str(source),
        "is no Piper voice: its graph has no decoder of the HiFi-GAN kind",
        "Name the .onnx file of a Piper (VITS) voice",
    )


def _kernel_width(conv: Any) -> int:
    return next((int(a.ints[0]) for a in conv.attribute if a.name == "kernel_shape"), 1)


# -- A language model -------------------------------------------------------------------------

_INT8: dict[str, Any] = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "quantization_status": "compressed",
    "ignore": [],
    "config_groups": {
        "group_0": {
            "targets": ["Linear", "ParallelLMHead"],
            "weights": {
                "num_bits": 8,
                "type": "int",
                "symmetric": True,
                "strategy": "channel",
                "dynamic": False,
            },
            "input_activations": {
                "num_bits": 8,
                "type": "int",
                "symmetric": True,
                "strategy": "token",
                "dynamic": True,
            },
        }
    },
}
"""Tells vLLM: weights int8 with a scale per output channel, activations int8 per token."""


def quantise_llm(source: Path, folder: Path) -> None:
    """Turn a GGUF language model into a folder of int8 safetensors that vLLM serves.

    The weights of the linear layers and of the head become int8 with one scale per output channel;
    embeddings and norms stay bfloat16. A head that is tied to the embeddings is untied: of a small
    model it is a fifth of the weights, and all of it is read for every token.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    place, name = str(source.parent), source.name
    model = AutoModelForCausalLM.from_pretrained(
        place,
        gguf_file=name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    AutoTokenizer.from_pretrained(place, gguf_file=name).save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tensors: dict[str, Any] = {}
    for key, tensor in model.state_dict().items():
        if key.endswith(("proj.weight", "lm_head.weight")):
            weight = tensor.float()
            scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
            tensors[key] = (weight / scale).round().clamp(-127, 127).to(torch.int8)
            tensors[key.replace(".weight", ".weight_scale")] = scale
        else:
            tensors[key] = tensor.contiguous()
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    model.config.architectures = [type(model).__name__]
    model.config.tie_word_embeddings = False
    model.config.save_pretrained(folder)
    path = folder / "config.json"
    config = {**json.loads(path.read_text("utf-8")), "quantization_config": _INT8}
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")


CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "cut-voice": cut_voice,
    "quantise-llm": quantise_llm,
}
"""Name in ``weights.toml`` to what does it: source file, folder for the results."""
