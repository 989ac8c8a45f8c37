import pytest
import yaml

from cropmine.config.validation import validate_config
from factories.configs import refuse
from workspace import ROOT


@pytest.mark.parametrize("path", ["config.yaml", *(str(p.relative_to(ROOT)) for p in ROOT.glob("configs/*.yaml"))])
def test_every_configuration_of_the_project_is_valid(path):
    validate_config(yaml.safe_load((ROOT / path).read_text()))


@pytest.mark.parametrize("raw", [None, [], "regions", 3, {}, {"regions": None}, {"regions": {}}, {1: 2}, {None: None}])
def test_what_is_no_configuration_is_refused(raw):
    refuse(raw)
