import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cropmine.errors import CropmineError
from cropmine.training.networks import build_network, choose_precision
from factories.networks import NORM, TINY


def test_a_network_gives_two_logits_a_pixel(network):
    assert network(torch.zeros(1, 4, 32, 64)).shape == (1, 2, 32, 64)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"architecture": "unett"}, "did you mean 'unet'"),
        ({"encoder": "resnet81"}, "did you mean 'resnet"),
        ({"encoder_weights": "imagnet"}, "did you mean 'imagenet'"),
        ({"encoder_weights": "none.safetensors"}, "no such file"),
        ({"decoder_channels": (16, 8)}, "can't be built"),
    ],
)
def test_a_wrong_setting_is_named(change, hint):
    with pytest.raises(CropmineError, match=hint):
        build_network(TINY.model_copy(update=change), 4)


def test_weights_that_are_out_of_reach_leave_a_hint(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CropmineError, match="set encoder_weights to null"):
        build_network(TINY.model_copy(update={"encoder_weights": "imagenet"}), 4)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_of_encoder_weights_fills_the_encoder_whatever_its_channels(network, suffix, tmp_path):
    for channels in (3, 4):
        encoder = build_network(TINY, channels).encoder
        state = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
        path = tmp_path / f"encoder{channels}{suffix}"
        save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
        filled = build_network(TINY.model_copy(update={"encoder_weights": str(path)}), 4).encoder.state_dict()
        torch.testing.assert_close(filled["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])
        scale = 1 if channels == 4 else 3 / 4
        torch.testing.assert_close(filled["conv1.weight"][:, :3], state["conv1.weight"][:, :3] * scale)


def test_weights_of_another_encoder_are_refused(tmp_path):
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "other.pt")
    with pytest.raises(CropmineError, match="doesn't hold the weights of resnet18"):
        build_network(TINY.model_copy(update={"encoder_weights": str(tmp_path / "other.pt")}), 4)


def test_normalised_pixels_are_zero_where_invalid_whatever_lies_there():
    pixels = np.full((4, 2, 2), 7, np.uint16)
    valid = np.array([[True, False], [True, True]])
    normal = NORM.apply(pixels, valid)
    assert normal.dtype == np.float32
    assert (normal[:, 0, 1] == 0).all()
    np.testing.assert_allclose(normal[0, 0, 0], (7 - 100.5) / 10, rtol=1e-6)
    other = np.where(valid, pixels, 65535)
    np.testing.assert_array_equal(NORM.apply(other, valid), normal)


def test_precision_is_taken_as_told():
    cpu = torch.device("cpu")
    assert choose_precision("32", cpu) is None
    assert choose_precision("bf16", cpu) is torch.bfloat16
