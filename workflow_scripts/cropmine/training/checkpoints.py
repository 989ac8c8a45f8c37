"""Files of trained networks: checkpoints and exported weights, read without executing anything."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from cropmine.config.models import Network
from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.training.descriptions import Description, check_description
from cropmine.training.networks import Normalisation, build_network, first_line

KEYS = {"model", "bands", "dates", "resolution_m", "mean", "std", "precision"}
HINT = "it is made by export_weights, from model.ckpt"
CHECKPOINT_FORMAT = 3
MOST_PICKLE_BYTES = 2_000_000
CHECKPOINT_KEYS = {"format", "state_dict", "model", "bands", "dates", "resolution_m", "mean", "std", "precision"}


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


class NetworkDescription(Description):
    """The imagery, the settings of the network and the precision it computes in."""

    model: Network
    precision: str


def save_checkpoint(
    path: str | Path,
    state: dict[str, torch.Tensor],
    model: Network,
    norm: Normalisation,
    *,
    bands: list[str],
    dates: int,
    resolution_m: float,
    precision: str,
) -> None:
    """Write a trained network with all that a prediction needs, in plain types and tensors, the same to the byte."""
    content = {
        "format": CHECKPOINT_FORMAT,
        "state_dict": {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()},
        "model": model.model_dump(mode="json"),
        "bands": list(bands),
        "dates": dates,
        "resolution_m": resolution_m,
        "mean": norm.mean.tolist(),
        "std": norm.std.tolist(),
        "precision": precision,
    }
    buffer = io.BytesIO()  # a file's name would get into the archive
    torch.save(content, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_checkpoint(path: str | Path) -> tuple[nn.Module, Normalisation, dict[str, Any]]:
    """Read a trained network, in evaluation mode and on the CPU, its normalisation and the other entries.

    Nothing in the file is executed. Raises CropmineError if it isn't a whole checkpoint of cropmine.
    """
    hint = "it is made by train_model; delete it to train it again"
    try:
        _check_pickle(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", hint) from error
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise CropmineError(path, f"isn't a checkpoint, or is broken: {first_line(error)}", hint) from error
    except (ValueError, LookupError, MemoryError) as error:
        raise CropmineError(path, f"isn't a checkpoint, or is broken: {first_line(error)}", hint) from error
    if not isinstance(content, dict) or not content.keys() >= CHECKPOINT_KEYS:
        raise CropmineError(path, "isn't a checkpoint of cropmine", hint)
    if content["format"] != CHECKPOINT_FORMAT:
        raise CropmineError(path, f"has format {content['format']}, not {CHECKPOINT_FORMAT}", hint)
    network, norm = restore_network(path, content, content["state_dict"], hint)
    return network, norm, {key: content[key] for key in CHECKPOINT_KEYS - {"state_dict"}}


def _check_pickle(path: str | Path) -> None:
    """Names and numbers other than weights take kilobytes: more would take PyTorch's own unpickler minutes."""
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".pkl"))
    if size > MOST_PICKLE_BYTES:
        raise ValueError(f"{size} bytes of it are no weights")


def restore_network(path: str | Path, meta: Any, state: Any, hint: str) -> tuple[nn.Module, Normalisation]:
    """Build the network that a file describes, fill it with the file's weights and set it to evaluation.

    It is built without memory first: a file can't ask for more than it holds. Raises CropmineError if it describes no
    network, or holds the weights of another.
    """
    check_description(path, NetworkDescription, meta, hint)
    norm = Normalisation(np.array(meta["mean"], np.float64), np.array(meta["std"], np.float64))
    model = Network.model_validate(meta["model"] | {"encoder_weights": None})
    try:
        with torch.device("meta"):
            build_network(model, len(norm.mean)).load_state_dict(state, assign=True)
        network = build_network(model, len(norm.mean))
        network.load_state_dict(state)
    except CropmineError as error:
        raise CropmineError(path, f"describes a network that can't be built: {error.what}", hint) from error
    except (RuntimeError, TypeError, AttributeError) as error:
        raise CropmineError(path, f"has weights of another network: {first_line(error)}", hint) from error
    return network.eval(), norm
