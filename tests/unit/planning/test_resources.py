"""What a job asks of a cluster grows with its tile and with each attempt, up to a cap."""

import re

import pytest

from cropmine.config.models import MODELS
from cropmine.planning.resources import (
    CAP_MB,
    CAP_MINUTES,
    NEEDS,
    SMALL,
    estimate_mb,
    estimate_minutes,
    find_need,
)
from workspace import ROOT

QUAD_PX = 4096 * 4096


def rules_of_the_workflow() -> dict[str, str]:
    """The text of each rule by its name."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    parts = re.split(r"^ *(?:rule|checkpoint) ?(\w*):\n", text, flags=re.MULTILINE)
    rules = dict(zip(parts[1::2], parts[2::2], strict=True))
    classifiers = rules.pop("")  # a rule for each of their kinds, without a name of its own
    assert "for kind in CLASSIFIERS:" in text
    return rules | {kind.rule: classifiers for kind in MODELS.kinds.values() if not kind.is_network}


@pytest.mark.parametrize("rule", ["segment_tile", "overlap_tile", "burn_target", "map_tile", "mask_tile"])
def test_a_larger_tile_asks_for_more_memory(rule):
    assert estimate_mb(rule, 4 * QUAD_PX, 4, 1) > 2 * estimate_mb(rule, QUAD_PX, 4, 1)


def test_more_dates_ask_for_more_memory():
    assert estimate_mb("segment_tile", QUAD_PX, 12, 1) > estimate_mb("segment_tile", QUAD_PX, 4, 1)


@pytest.mark.parametrize("rule", [*NEEDS, "a_rule_without_a_need_of_its_own"])
def test_each_attempt_asks_for_twice_as_much_up_to_the_cap(rule):
    memory = [estimate_mb(rule, QUAD_PX, 4, attempt) for attempt in range(1, 12)]
    times = [estimate_minutes(rule, QUAD_PX, attempt) for attempt in range(1, 12)]
    assert memory[1] == pytest.approx(2 * memory[0], abs=1)
    assert times[1] == pytest.approx(min(2 * times[0], CAP_MINUTES), abs=1)
    assert max(memory) == CAP_MB
    assert max(times) == CAP_MINUTES


def test_every_rule_states_its_memory_and_time():
    rules = rules_of_the_workflow()
    for text in rules.values():
        assert "mem_mb=memory," in text
        assert "runtime=minutes," in text
        assert "retries" not in text
    assert set(NEEDS) <= set(rules)


@pytest.mark.parametrize("rule", sorted(rules_of_the_workflow()))
@pytest.mark.parametrize("prefix", ["", "cropmine_", "c"])
def test_a_rule_keeps_its_need_under_the_prefix_of_a_module(rule, prefix):
    assert find_need(prefix + rule) == NEEDS.get(rule, SMALL)


def test_trainings_of_networks_ask_for_gpus_and_no_other_rule_does():
    asking = {name for name, text in rules_of_the_workflow().items() if "gpu=CONFIG.training.gpus" in text}
    assert asking == {"train_model", "train_transfer"}
