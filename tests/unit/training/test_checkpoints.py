import json

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import save_file

from cropmine.errors import CropmineError
from cropmine.training.checkpoints import export_weights, load_checkpoint, load_weights, save_checkpoint
from cropmine.training.networks import build_network
from cropmine.training.predictors import load_predictor
from factories.networks import NORM, PLACE, TINY


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    network = build_network(TINY, 4).eval()
    save_checkpoint(folder / "model.ckpt", network.state_dict(), TINY, NORM, **PLACE)
    export_weights(folder / "model.safetensors", folder / "model.ckpt")
    return network, folder / "model.safetensors"


def test_exported_weights_give_the_same_network_without_pickle(exported, monkeypatch):
    network, path = exported
    monkeypatch.setattr(torch, "load", None)
    loaded, norm, meta = load_weights(path)
    pixels = torch.rand(1, 4, 32, 32)
    torch.testing.assert_close(loaded(pixels), network(pixels))
    np.testing.assert_array_equal([norm.mean, norm.std], [NORM.mean, NORM.std])
    assert load_predictor(path, PLACE["bands"], 1, 1).meta["bands"] == meta["bands"] == PLACE["bands"]
    with safetensors.safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["cropmine"])["model"]["encoder"] == "resnet18"


def test_a_file_that_is_cut_short_or_from_elsewhere_is_told(exported, tmp_path):
    content = exported[1].read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(CropmineError, match="or is broken"):
        load_weights(tmp_path / "cut.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CropmineError, match="doesn't say what network"):
        load_weights(tmp_path / "other.safetensors")
    with pytest.raises(CropmineError, match="no such file"):
        load_weights(tmp_path / "none.safetensors")
    with safetensors.safe_open(exported[1], framework="pt") as file:
        save_file({"a": torch.zeros(1)}, tmp_path / "wrong.safetensors", file.metadata())
    with pytest.raises(CropmineError, match="has weights of another network"):
        load_weights(tmp_path / "wrong.safetensors")


def test_a_checkpoint_gives_the_same_network_back_and_the_same_bytes_twice(network, tmp_path):
    for name in ("a.ckpt", "b.ckpt"):
        save_checkpoint(tmp_path / name, network.state_dict(), TINY, NORM, **PLACE)
    assert (tmp_path / "a.ckpt").read_bytes() == (tmp_path / "b.ckpt").read_bytes()
    loaded, norm, meta = load_checkpoint(tmp_path / "a.ckpt")
    pixels = torch.rand(1, 4, 32, 32)
    torch.testing.assert_close(loaded(pixels), network(pixels))
    np.testing.assert_array_equal([norm.mean, norm.std], [NORM.mean, NORM.std])
    assert PLACE.items() <= meta.items()


def test_a_checkpoint_of_pretrained_weights_loads_without_them(network, tmp_path):
    model = TINY.model_copy(update={"encoder_weights": "imagenet"})
    save_checkpoint(tmp_path / "model.ckpt", network.state_dict(), model, NORM, **PLACE)
    assert load_checkpoint(tmp_path / "model.ckpt")[2]["model"]["encoder_weights"] == "imagenet"


def test_a_broken_or_foreign_checkpoint_is_refused_by_name(network, tmp_path):
    save_checkpoint(tmp_path / "whole.ckpt", network.state_dict(), TINY, NORM, **PLACE)
    whole = (tmp_path / "whole.ckpt").read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    torch.save({"weights": torch.zeros(2)}, tmp_path / "foreign.ckpt")
    torch.save(torch.nn.Conv2d(1, 1, 1), tmp_path / "code.ckpt")
    cuts = [*range(0, 20000, 1900), len(whole) - 1]
    for cut in cuts:
        (tmp_path / f"cut{cut}.ckpt").write_bytes(whole[:cut])
    for name in ("half", "text", "foreign", "code", "missing", *(f"cut{cut}" for cut in cuts)):
        with pytest.raises(CropmineError, match=f"{name}.ckpt"):
            load_checkpoint(tmp_path / f"{name}.ckpt")
