"""Segmentation networks: building them, normalisation of their inputs, device and precision."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cropmine.config.models import Network
from cropmine.errors import CropmineError, hint_at

CLASSES = 2
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


def build_network(model: Network, channels: int) -> nn.Module:
    """Build an untrained network that takes (n, channels, h, w) float32 and gives logits (n, 2, h, w).

    h and w are multiples of 32. A pretrained encoder's first convolution is adapted to the channels. Raises
    CropmineError for an unknown architecture, encoder or set of weights, and for weights that can't be read.
    """
    import segmentation_models_pytorch as smp

    if model.architecture.lower() not in smp.MODEL_ARCHITECTURES_MAPPING:
        _refuse("architecture", model.architecture, list(smp.MODEL_ARCHITECTURES_MAPPING))
    if model.encoder not in smp.encoders.encoders and not model.encoder.startswith("tu-"):
        _refuse("encoder", model.encoder, list(smp.encoders.encoders))
    given = model.encoder_weights
    local = Path(given) if given is not None and Path(given).suffix in (".safetensors", ".pt") else None
    named = None if local else given
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
        what = f"the weights {named!r} of {model.encoder} are neither cached nor to be had: {first_line(error)}"
        raise CropmineError("models.encoder_weights", what, OFFLINE_HINT) from error
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CropmineError(
            "models", f"{model.architecture} with {model.encoder} can't be built: {first_line(error)}"
        ) from error
    if local:
        _load_encoder(network, model, local, channels)
    return network.to(memory_format=torch.channels_last)


def _refuse(key: str, word: str, known: list[str]) -> None:
    raise CropmineError(f"models.{key}", f"{word!r} isn't known", hint_at(word, known))


def first_line(error: Exception) -> str:
    """Give the first line of an error's text without its full stop, or the name of its type."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _load_encoder(network: nn.Module, model: Network, path: Path, channels: int) -> None:
    """Fill the encoder from a file, made for the same channels or for three."""
    import segmentation_models_pytorch as smp

    weights = _read_weights(path)
    convolution = next((tensor for tensor in weights.values() if tensor.ndim == 4), None)
    try:
        if convolution is not None and convolution.shape[1] == channels:
            network.get_submodule("encoder").load_state_dict(weights)
            return
        encoder = smp.encoders.get_encoder(model.encoder, in_channels=3, weights=None)
        encoder.load_state_dict(weights)
        encoder.set_in_channels(channels, pretrained=True)
        network.get_submodule("encoder").load_state_dict(encoder.state_dict())
    except RuntimeError as error:
        what = f"doesn't hold the weights of {model.encoder}: {first_line(error)}"
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
        raise CropmineError(path, f"isn't a file of weights: {first_line(error)}") from error
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
