"""Small tiles of segments."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio import Affine

from cropmine.mining.segments import label_segments

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
CLUSTERS = hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 2))
TRANSFORM = Affine(4.777, 0, 4_000_000.5, 0, -4.777, -1_000_000.25)


def segment_all(clusters):
    return label_segments(clusters, np.ones((1, 1)), 0, None)
