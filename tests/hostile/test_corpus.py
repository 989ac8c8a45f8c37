"""Every hostile input gives a right result or a message that names it, within ten seconds and a gibibyte."""

from collections import Counter

import pytest

from hostile.corpus import CASES
from hostile.examination import MEGABYTES, SECONDS, Examiner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def examiner():
    examiner = Examiner()
    yield examiner
    examiner.close()


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_a_hostile_input_is_read_right_or_refused_by_name(examiner, name):
    outcome = examiner.examine(name)
    assert outcome.result != "wrong", outcome.message
    assert outcome.seconds < SECONDS
    assert outcome.megabytes < MEGABYTES


def test_the_corpus_is_large_and_no_name_comes_twice():
    assert len(CASES) >= 300
    assert max(Counter(case.name for case in CASES).values()) == 1
