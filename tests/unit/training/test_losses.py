import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cropmine.config.models import GeneralisedCrossEntropy, Network
from cropmine.training.losses.weighting import compute_loss, encode_labels

HUMAN_NEG, HUMAN_POS, MINED_NEG, MINED_POS = 2, 3, 4, 5
RIGHT, WRONG = (math.log(1 + math.exp(sign * 2)) for sign in (-1, 1))
CODES = arrays(np.uint8, (1, 4, 4), elements=st.sampled_from([2, 3, 4, 5, 6, 7, 255]))


def loss_of(codes, **settings) -> float:
    """The loss of a network that gives everything a logit of 2 for non-cropland and 0 for cropland."""
    logits = torch.zeros(1, 2, 1, len(codes))
    logits[:, 0] = 2.0
    return float(compute_loss(logits, torch.tensor([[codes]], dtype=torch.uint8), Network(**settings)))


@given(
    target=arrays(np.uint8, (5,), elements=st.sampled_from([0, 1, 255])),
    source=arrays(np.uint8, (5,), elements=st.integers(0, 4)),
)
def test_label_codes_hold_the_class_and_its_source(target, source):
    codes, labelled = encode_labels(target, source), target != 255
    np.testing.assert_array_equal(codes == 255, ~labelled)
    np.testing.assert_array_equal(codes[labelled] & 1, target[labelled])
    np.testing.assert_array_equal(codes[labelled] // 2, source[labelled])


def test_cross_entropy_is_the_mean_over_labelled_pixels():
    assert loss_of([HUMAN_NEG] * 9 + [HUMAN_POS, 255, 255]) == pytest.approx((9 * RIGHT + WRONG) / 10)


def test_balanced_classes_weigh_the_same_whatever_their_pixels():
    codes = [HUMAN_NEG] * 9 + [HUMAN_POS, 255, 255]
    assert loss_of(codes, class_weights="balanced") == pytest.approx((RIGHT + WRONG) / 2)
    assert loss_of(codes[:9], class_weights="balanced") == pytest.approx(RIGHT)


def test_classes_weigh_as_told():
    weights = {"cropland": 3, "noncropland": 0.5}
    assert loss_of([HUMAN_NEG, HUMAN_POS], class_weights=weights) == pytest.approx((0.5 * RIGHT + 3 * WRONG) / 3.5)


def test_sources_weigh_as_told():
    codes = [HUMAN_NEG, MINED_NEG, MINED_POS]
    loss = loss_of(codes, source_weights={"mined": 0.25})
    assert loss == pytest.approx((RIGHT + 0.25 * RIGHT + 0.25 * WRONG) / 1.5)
    assert loss_of(codes, source_weights={"mined": 0}) == pytest.approx(RIGHT)


def test_balance_is_of_what_the_sources_weigh():
    codes = [HUMAN_NEG, MINED_NEG, MINED_NEG, MINED_POS]
    loss = loss_of(codes, class_weights="balanced", source_weights={"mined": 0.5})
    assert loss == pytest.approx((RIGHT + WRONG) / 2)


@given(codes=CODES, seed=st.integers(0, 99))
def test_generalised_cross_entropy_lies_between_cross_entropy_and_the_absolute_error(codes, seed):
    logits = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
    labels = torch.from_numpy(codes)
    near, plain, full = (
        float(compute_loss(logits, labels, Network(loss=loss)))
        for loss in (
            GeneralisedCrossEntropy(noise_robustness=1e-4),
            "cross_entropy",
            GeneralisedCrossEntropy(noise_robustness=1),
        )
    )
    assert near == pytest.approx(plain, rel=1e-2, abs=1e-6)
    probability = logits.softmax(1).gather(1, (labels & 1)[:, None].long())[:, 0]
    errors = 1 - probability[labels != 255]
    assert full == pytest.approx(float(errors.mean()) if len(errors) else 0, abs=1e-6)


def test_a_wrong_label_pulls_less_under_generalised_cross_entropy():
    pulls = []
    for loss in ("cross_entropy", "generalised_cross_entropy"):
        logits = torch.tensor([4.0, 0.0]).reshape(1, 2, 1, 1).requires_grad_()
        compute_loss(logits, torch.full((1, 1, 1), HUMAN_POS, dtype=torch.uint8), Network(loss=loss)).backward()
        pulls.append(float(logits.grad.abs().max()))
    assert pulls[1] < 0.1 * pulls[0]


def test_dice_is_near_0_where_all_is_right_and_near_1_where_all_is_wrong():
    right, wrong = [HUMAN_NEG] * 500, [HUMAN_POS] * 500
    logits = torch.zeros(1, 2, 1, 1000)
    logits[:, 0, :, :500], logits[:, 1, :, 500:] = 20.0, 20.0
    for codes, loss in ((right + wrong, 0), (wrong + right, 1)):
        labels = torch.tensor([[codes]], dtype=torch.uint8)
        assert float(compute_loss(logits, labels, Network(loss="dice"))) == pytest.approx(loss, abs=2e-3)


@pytest.mark.parametrize("loss", ["cross_entropy", "generalised_cross_entropy", "dice"])
def test_a_batch_without_a_label_moves_nothing(loss):
    logits = torch.randn(1, 2, 2, 2, requires_grad=True)
    compute_loss(logits, torch.full((1, 2, 2), 255, dtype=torch.uint8), Network(loss=loss)).backward()
    assert (logits.grad == 0).all()
