"""Segmentation networks: building them, their precision, and the checkpoint that a training leaves."""

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cropmine.descriptions import NetworkDescription, check_description
from cropmine.errors import CropmineError
from cropmine.faults import hint_at
from cropmine.files import replacing
from cropmine.learning_settings import Model

CLASSES = 2
CHECKPOINT_FORMAT = 2
MOST_PICKLE_BYTES = 2_000_000
CHECKPOINT_KEYS = {"format", "state_dict", "model", "bands", "dates", "resolution_m", "mean", "std", "precision"}
OFFLINE_HINT = "with no network, set encoder_weights to null or to a file of encoder weights"


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of the training tiles' valid pixels, float64 (channels,), in the imagery's units."""

    mean: np.ndarray
    std: np.ndarray

    def apply(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Normalise pixels (..., channels, h, w) to float32; where valid (..., h, w) is false they are 0."""
        mean, scale = (values.astype(np.float32)[:, None, None] for values in (self.mean, 1 / self.std))
        normal = (pixels.astype(np.float32) - mean) * scale
        return np.where(valid[..., None, :, :], normal, np.float32(0))

    def match(self, other: "Normalisation") -> tuple[tuple[float, float], ...]:
        """Give the gain and offset a channel that bring pixels of these statistics to those of other imagery."""
        gain = other.std / self.std
        return tuple(zip(gain.tolist(), (other.mean - self.mean * gain).tolist(), strict=True))


def build_network(model: Model, channels: int) -> nn.Module:
    """Build an untrained network that takes (n, channels, h, w) float32 and gives logits (n, 2, h, w).

    h and w are multiples of 32. A pretrained encoder's first convolution is adapted to the channels. Raises
    CropmineError for an unknown architecture, encoder or set of weights, and for weights that can't be read.
    """
    import segmentation_models_pytorch as smp

    if model.architecture.lower() not in smp.MODEL_ARCHITECTURES_MAPPING:
        _refuse("architecture", model.architecture, list(smp.MODEL_ARCHITECTURES_MAPPING))
    if model.encoder not in smp.encoders.encoders and not model.encoder.startswith("tu-"):
        _refuse("encoder", model.encoder, list(smp.encoders.encoders))
    local = model.encoder_weights is not None and Path(model.encoder_weights).suffix in (".safetensors", ".pt")
    named = None if local else model.encoder_weights
    if named is not None and not model.encoder.startswith("tu-"):
        weights = list(smp.encoders.encoders[model.encoder]["pretrained_settings"])
        if named not in weights:
            _refuse("encoder_weights", named, weights)
    decoder = {} if model.decoder_channels is None else {"decoder_channels": model.decoder_channels}
    try:
        network = smp.create_model(
            model.architecture,
            encoder_name=model.encoder,
            encoder_weights=named,
            in_channels=channels,
            classes=CLASSES,
            **decoder,
        )
    except OSError as error:
        what = f"the weights {named!r} of {model.encoder} are neither cached nor to be had: {_first_line(error)}"
        raise CropmineError("models.encoder_weights", what, OFFLINE_HINT) from error
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CropmineError(
            "models", f"{model.architecture} with {model.encoder} can't be built: {_first_line(error)}"
        ) from error
    if local:
        _load_encoder(network, model, Path(model.encoder_weights), channels)
    return network.to(memory_format=torch.channels_last)


def _refuse(key: str, word: str, known: list[str]) -> None:
    raise CropmineError(f"models.{key}", f"{word!r} isn't known", hint_at(word, known))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _load_encoder(network: nn.Module, model: Model, path: Path, channels: int) -> None:
    """Fill the encoder from a file, made for the same channels or for three."""
    import segmentation_models_pytorch as smp

    weights = _read_weights(path)
    convolution = next((tensor for tensor in weights.values() if tensor.ndim == 4), None)
    try:
        if convolution is not None and convolution.shape[1] == channels:
            network.encoder.load_state_dict(weights)
            return
        encoder = smp.encoders.get_encoder(model.encoder, in_channels=3, weights=None)
        encoder.load_state_dict(weights)
        encoder.set_in_channels(channels, pretrained=True)
        network.encoder.load_state_dict(encoder.state_dict())
    except RuntimeError as error:
        what = f"doesn't hold the weights of {model.encoder}: {_first_line(error)}"
        raise CropmineError(path, what, "save the encoder's own state_dict") from error


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise CropmineError("models.encoder_weights", f"no such file: {path}")
    try:
        weights = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise CropmineError(path, f"isn't a file of weights: {_first_line(error)}") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise CropmineError(path, "isn't a state_dict of tensors", "save the encoder's own state_dict")
    return weights


def choose_device() -> torch.device:
    """The first GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(precision: str, device: torch.device) -> torch.dtype | None:
    """The type to autocast to; None is float32.

    "auto" is bfloat16 on a CPU with AMX or AVX512-BF16 and on a GPU that has it.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else None
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else None


def save_checkpoint(
    path: str | Path,
    state: dict[str, torch.Tensor],
    model: Model,
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
    hint = "it is made by train_model; delete it to train anew"
    try:
        _check_pickle(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", hint) from error
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise CropmineError(path, f"isn't a checkpoint, or is broken: {_first_line(error)}", hint) from error
    except (ValueError, LookupError, MemoryError) as error:
        raise CropmineError(path, f"isn't a checkpoint, or is broken: {_first_line(error)}", hint) from error
    if not isinstance(content, dict) or not content.keys() >= CHECKPOINT_KEYS:
        raise CropmineError(path, "isn't a checkpoint of cropmine", hint)
    if content["format"] != CHECKPOINT_FORMAT:
        raise CropmineError(path, f"has format {content['format']}, not {CHECKPOINT_FORMAT}", hint)
    network, norm = restore_network(path, content, content["state_dict"], hint)
    return network, norm, {key: content[key] for key in CHECKPOINT_KEYS - {"state_dict"}}


def _check_pickle(path: str | Path) -> None:
    """The names and numbers beside the weights take kilobytes: more would take PyTorch's own unpickler minutes."""
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
    model = Model.model_validate(meta["model"] | {"encoder_weights": None})
    try:
        with torch.device("meta"):
            build_network(model, len(norm.mean)).load_state_dict(state, assign=True)
        network = build_network(model, len(norm.mean))
        network.load_state_dict(state)
    except CropmineError as error:
        raise CropmineError(path, f"describes a network that can't be built: {error.what}", hint) from error
    except (RuntimeError, TypeError, AttributeError) as error:
        raise CropmineError(path, f"has weights of another network: {_first_line(error)}", hint) from error
    return network.eval(), norm


def check_imagery(path: str | Path, meta: dict[str, Any], bands: list[str], dates: int) -> None:
    """Check that imagery is what a checkpoint was trained on. Raises CropmineError if its bands or dates differ."""
    if list(meta["bands"]) != list(bands) or meta["dates"] != dates:
        trained, given = f"{meta['bands']} on {meta['dates']} dates", f"{list(bands)} on {dates}"
        raise CropmineError(path, f"was trained on the bands {trained}, the imagery has {given}")
