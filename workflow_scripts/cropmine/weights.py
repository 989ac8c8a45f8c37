"""Trained networks as safetensors: the weights, and all else that a prediction needs as JSON in the header."""

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import nn

from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.models import Normalisation, load_checkpoint, restore_network

KEYS = {"model", "bands", "dates", "resolution_m", "mean", "std", "precision"}
HINT = "it is made by export_weights, from model.ckpt"


def export_weights(path: str | Path, checkpoint: str | Path) -> None:
    """Export a checkpoint of train_model as safetensors. Raises CropmineError as load_checkpoint does."""
    network, _, meta = load_checkpoint(checkpoint)
    header = {
        "cropmine": json.dumps({key: meta[key] for key in KEYS}, sort_keys=True),
        "classes": "non-cropland, cropland",
    }
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    content = safetensors.torch.save(state, header)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_weights(path: str | Path) -> tuple[nn.Module, Normalisation, dict[str, Any]]:
    """Read exported weights as load_checkpoint reads a checkpoint, without pickle.

    Raises CropmineError if the file isn't whole or wasn't exported by cropmine.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        state = safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", HINT) from error
    except safetensors.SafetensorError as error:
        raise CropmineError(path, f"isn't a file of safetensors, or is broken: {error}", HINT) from error
    if "cropmine" not in header:
        raise CropmineError(path, "doesn't say what network its weights are of", HINT)
    try:
        meta = json.loads(header["cropmine"])
    except (ValueError, RecursionError) as error:
        raise CropmineError(path, f"doesn't say what network its weights are of ({error})", HINT) from error
    network, norm = restore_network(path, meta, state, HINT)
    return network, norm, {key: meta[key] for key in KEYS}
