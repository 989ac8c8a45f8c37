"""Arguments of a training on a region of two small tiles."""

from cropmine.config.experiments import Training
from cropmine.config.models import Network

MODEL = Network(
    encoder="resnet18",
    encoder_weights=None,
    decoder_channels=(16, 8, 8, 8, 8),
    steps=8,
    epochs=2,
    batch_size=4,
    patch_px=32,
    learning_rate=3e-3,
)


def train_arguments(region, folder, model=MODEL, validate=True, **options):
    tiles, labels = region
    positional = (
        {name: source for name, (_, source, _, _) in tiles.items()},
        {name: target for name, (_, _, target, _) in tiles.items()},
        labels[labels["split"] == "validation"] if validate else None,
        model,
        Training(cpu_threads=1),
    )
    named = {"seed": 1, "bands": ["red", "nir"], "dates": 1}
    outputs = {"out_checkpoint": folder / "model.ckpt", "out_history": folder / "history.csv"}
    return positional, named | outputs | options
