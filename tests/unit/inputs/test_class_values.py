"""Values of classes as text."""

import numpy as np
import pandas as pd

from cropmine.inputs.class_values import class_text


def test_only_whole_numbers_lose_their_fraction():
    values = [10, 10.0, "10.00", 0.5, "0.50", "01", "v1.0", np.float64(2)]
    assert [class_text(value) for value in values] == ["10", "10", "10", "0.5", "0.50", "01", "v1.0", "2"]
    assert {class_text(value) for value in (None, float("nan"), pd.NA, pd.NaT)} == {""}
