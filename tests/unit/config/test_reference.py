"""The reference of the configuration holds every key."""

from cropmine.config.reference import list_models, render_reference
from cropmine.config.schema import Config
from workspace import ROOT


def test_the_reference_is_in_step_with_the_models():
    text = (ROOT / "docs/configuration.md").read_text()
    assert text == render_reference(), "write it anew as its first lines say"


def test_the_reference_describes_every_key_and_links_every_model():
    text = render_reference()
    for model in list_models(Config):
        assert all(field.description for field in model.model_fields.values()), model
        if model is not Config:
            assert f"\n## {model.__name__}\n" in text
            assert f"(#{model.__name__.lower()})" in text
