"""A model is scored on the pieces of the splits that are named, and predicts nothing else."""

import numpy as np

from cropmine.scoring.model_scores import score_model
from factories.tiles import label_boxes, write_tile


class Constant:
    """A model that predicts the same everywhere it is asked to."""

    def __init__(self):
        self.asked = 0

    def predict_strips(self, view, wanted=None):
        self.asked += np.count_nonzero(wanted)
        yield 0, np.where(wanted, np.uint8(150), np.uint8(255))


def test_only_pieces_of_the_named_splits_are_predicted(tmp_path):
    tiles = {name: write_tile(tmp_path, name, size=32, column=number) for number, name in enumerate("ab")}
    grid = tiles["a"][0]
    boxes = [(0, 0, 4, 4, 1, "test"), (40, 0, 4, 4, 0, "validation"), (8, 8, 4, 4, 0, "train")]
    labels = label_boxes(grid, boxes)
    model, sources = Constant(), {name: source for name, (_, source, *_) in tiles.items()}
    pieces = score_model(model, sources, labels, labels["split"].to_numpy(object), ["validation"])
    assert [(piece["label"], piece["codes"], piece["counts"]) for piece in pieces] == [(1, [150], [16])]
    assert model.asked == 16
