"""Files of trained models that aren't, or that would run code if they were unpickled."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import safetensors.numpy

from cropmine.config.models import Network
from cropmine.training.predictors import load_predictor
from hostile.examination import Case

BANDS = ["red", "nir"]
TINY = {"encoder": "resnet18", "encoder_weights": None, "decoder_channels": [16, 16, 8, 8, 8]}


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return open, ("pwned", "w")


def examine_model(path: Path) -> None:
    """Read it as a model from elsewhere; nothing in it may run."""
    try:
        load_predictor(path, BANDS, 1, 1)
    finally:
        assert not Path("pwned").exists(), "code in the file was run"


def write_bytes(name: str, content: bytes, folder: Path) -> Callable[[], None]:
    (folder / name).write_bytes(content)
    return partial(examine_model, folder / name)


def save_torch(change: dict, folder: Path) -> Callable[[], None]:
    """A checkpoint as train_model writes it, some entries changed; an entry of `...` is taken away."""
    import torch

    from cropmine.training.checkpoints import CHECKPOINT_FORMAT
    from cropmine.training.networks import build_network

    network = build_network(Network(**TINY), 2)
    content = {
        "format": CHECKPOINT_FORMAT,
        "state_dict": network.state_dict(),
        "model": Network(**TINY).model_dump(mode="json"),
        "bands": BANDS,
        "dates": 1,
        "resolution_m": 10.0,
        "mean": [1.0, 1.0],
        "std": [1.0, 1.0],
        "precision": "32",
    }
    kept = {key: value for key, value in (content | change).items() if value is not ...}
    torch.save(kept, folder / "hostile.ckpt")
    return partial(examine_model, folder / "hostile.ckpt")


def cut_checkpoint(folder: Path) -> Callable[[], None]:
    act = save_torch({}, folder)
    whole = (folder / "hostile.ckpt").read_bytes()
    (folder / "hostile.ckpt").write_bytes(whole[: len(whole) // 2])
    return act


def save_numpy(change: dict, folder: Path) -> Callable[[], None]:
    """A forest of one leaf as train_forest writes it, some arrays changed."""
    meta = {"format": 2, "bands": BANDS, "dates": 1, "raster": None, "features": 2, "neighbourhood_px": []}
    meta |= {"resolution_m": 10.0, "mean": [1.0, 1.0], "std": [1.0, 1.0]} | change.pop("told", {})
    arrays = {"feature": [-2], "threshold": [-2.0], "left": [-1], "right": [-1], "share": [0.5], "ends": [1]}
    arrays = {key: np.array(value) for key, value in (arrays | change).items()}
    text = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with (folder / "hostile.npz").open("wb") as file:
        np.savez(file, **({"meta": text} | arrays))
    return partial(examine_model, folder / "hostile.npz")


def claim_array(folder: Path) -> Callable[[], None]:
    """A forest whose array claims 8 TB."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(folder / "hostile.npz", "w") as archive:
        archive.writestr("meta.npy", header.getvalue())
    return partial(examine_model, folder / "hostile.npz")


def save_safe(metadata: dict | None, folder: Path) -> Callable[[], None]:
    (folder / "hostile.safetensors").write_bytes(safetensors.numpy.save({"x": np.zeros(3)}, metadata))
    return partial(examine_model, folder / "hostile.safetensors")


MODELS: dict[str, tuple[str, Callable[[Path], Callable[[], None]]]] = {
    "a sound checkpoint": ("right", partial(save_torch, {})),
    "a sound forest": ("right", lambda folder: save_numpy({}, folder)),
    "a pickle that opens a file": ("refused", partial(write_bytes, "hostile.ckpt", pickle.dumps(Evil()))),
    "a checkpoint that opens a file": ("refused", partial(save_torch, {"bands": Evil()})),
    "weights that open a file": ("refused", partial(save_torch, {"state_dict": Evil()})),
    "an array of objects": ("refused", lambda folder: save_numpy({"share": np.array([Evil()], object)}, folder)),
    "a pickle under the name of arrays": ("refused", partial(write_bytes, "hostile.npz", pickle.dumps(Evil()))),
    "a pickle under the name of safetensors": (
        "refused",
        partial(write_bytes, "hostile.safetensors", pickle.dumps(Evil())),
    ),
    **{
        f"{what} as {suffix}": ("refused", partial(write_bytes, f"hostile{suffix}", content))
        for suffix in (".ckpt", ".npz", ".safetensors")
        for what, content in (
            ("nothing", b""),
            ("noise", np.random.default_rng(0).bytes(999)),
            ("a web page", b"<html>404</html>"),
            ("an empty archive", b"PK\5\6" + bytes(18)),
            ("a length without end", b"\xff" * 8 + b"{}"),
        )
    },
    "a checkpoint that is cut": ("refused", cut_checkpoint),
    "a checkpoint without weights": ("refused", partial(save_torch, {"state_dict": ...})),
    "a checkpoint with weights of a list": ("refused", partial(save_torch, {"state_dict": [1, 2]})),
    "a checkpoint with a mean of text": ("refused", partial(save_torch, {"mean": ["a", "b"]})),
    "a checkpoint with a mean of NaN": ("refused", partial(save_torch, {"mean": [float("nan"), 1.0]})),
    "a checkpoint with no mean": ("refused", partial(save_torch, {"mean": [], "std": []})),
    "a checkpoint of an unknown network": ("refused", partial(save_torch, {"model": TINY | {"architecture": "os"}})),
    "a checkpoint of an unknown encoder": ("refused", partial(save_torch, {"model": TINY | {"encoder": "../x"}})),
    "a checkpoint with unknown settings": ("refused", partial(save_torch, {"model": {"evil": 1}})),
    "a checkpoint with settings of a list": ("refused", partial(save_torch, {"model": [1]})),
    "a checkpoint of a million channels": (
        "refused",
        partial(save_torch, {"mean": [1.0] * 10**6, "std": [1.0] * 10**6}),
    ),
    "a checkpoint of a huge decoder": (
        "refused",
        partial(save_torch, {"model": TINY | {"decoder_channels": [10**6] * 5}}),
    ),
    "a checkpoint of other bands": ("refused", partial(save_torch, {"bands": ["a"]})),
    "a checkpoint with bands of a number": ("refused", partial(save_torch, {"bands": 5})),
    "a list in place of a checkpoint": ("refused", partial(write_bytes, "hostile.ckpt", b"\x80\x02]q\x00.")),
    "a forest that points outside": (
        "refused",
        lambda folder: save_numpy({"feature": [0], "left": [5], "right": [9]}, folder),
    ),
    "a forest that points at itself": (
        "refused",
        lambda folder: save_numpy({"feature": [0], "left": [0], "right": [0]}, folder),
    ),
    "a forest of unknown features": (
        "refused",
        lambda folder: save_numpy(
            {
                "feature": [10**6, -2, -2],
                "threshold": [0.0, 0, 0],
                "left": [1, -1, -1],
                "right": [2, -1, -1],
                "share": [0.5] * 3,
                "ends": [3],
            },
            folder,
        ),
    ),
    "a forest with shares of NaN": ("refused", lambda folder: save_numpy({"share": [np.nan]}, folder)),
    "a forest of arrays of other lengths": ("refused", lambda folder: save_numpy({"share": [0.5] * 4}, folder)),
    "a forest with ends outside": ("refused", lambda folder: save_numpy({"ends": [-9, 10**12]}, folder)),
    "a forest of a negative number of features": (
        "refused",
        lambda folder: save_numpy({"told": {"features": -5}}, folder),
    ),
    "a forest without bands": ("refused", lambda folder: save_numpy({"told": {"bands": None}}, folder)),
    "a forest with text for metadata": (
        "refused",
        lambda folder: save_numpy({"meta": np.frombuffer(b"nonsense", np.uint8)}, folder),
    ),
    "a forest with a list for metadata": (
        "refused",
        lambda folder: save_numpy({"meta": np.frombuffer(b"[1]", np.uint8)}, folder),
    ),
    "an array that claims 8 TB": ("refused", claim_array),
    "safetensors without metadata": ("refused", partial(save_safe, None)),
    "safetensors of broken metadata": ("refused", partial(save_safe, {"cropmine": "nonsense"})),
    "safetensors of other metadata": ("refused", partial(save_safe, {"cropmine": "{}"})),
    "safetensors of a list as metadata": ("refused", partial(save_safe, {"cropmine": "[1]"})),
}
MODEL_CASES = [Case(f"model: {name}", "model", make, expected, "hostile") for name, (expected, make) in MODELS.items()]
