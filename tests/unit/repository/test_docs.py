"""Every command, configuration and link in the README and the docs is one that works."""

import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest
import yaml
from rasterio.rio.main import main_group
from snakemake.cli import get_argument_parser

from cropmine.commands.cli import cropmine
from cropmine.config.regions import Region
from cropmine.config.schema import Config
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from workspace import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`((?:cropmine|make|snakemake|rio) [^`]+)`")
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
ELSEWHERE = (
    "git",
    "cd",
    "cp",
    "tmux",
    "$EDITOR",
    ".",
    "sbatch",
    "scontrol",
    "sacctmgr",
    "sinfo",
    "scancel",
    "earthengine",
)
VALUES = r"[A-Z_]+=\S*"


def list_commands() -> list[tuple[str, str]]:
    """Every line of a shell block, and every cropmine, make, snakemake and rio between backticks, with its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in SHELL.findall(text):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, part.strip()) for line in lines for part in line.split(" && ") if part.strip()]
        found += [(page.name, command) for command in INLINE.findall(SHELL.sub("", text))]
    return sorted(set(found))


@cache
def list_targets() -> set[str]:
    """The targets that the Snakefile has with the demo's configuration."""
    command = [sys.executable, "-m", "snakemake", "--list-target-rules"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(("page", "command"), list_commands())
def test_a_command_is_one_that_works(page, command):
    words = shlex.split(command, comments=True)
    if not words or words[0] in ELSEWHERE:
        return
    if words[0] == "make":
        check_make(words[1:])
    elif words[0] == "cropmine":
        check_cropmine(words[1:])
    elif words[0] == "snakemake":
        check_snakemake(words[1:])
    elif words[0] == "rio":
        assert words[1] in main_group.commands
        options = {name for option in main_group.commands[words[1]].params for name in option.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= options
    elif words[0].endswith("bin/python"):
        assert words[1:3] == ["-m", "pytest"]
        assert all((ROOT / word).exists() for word in words[3:] if not word.startswith("-"))
    else:
        pytest.fail(f"{page}: {words[0]} is no command that is known here")


def check_cropmine(words: list[str]) -> None:
    """Parse the words as the command does; the name of a subcommand alone is a mention of it."""
    name, *rest = words
    assert name in cropmine.commands or (not rest and name == "--help"), name
    if rest:
        cropmine.commands[name].make_context(name, rest)


def check_make(words: list[str]) -> None:
    """Let make say what it would do, and see that it knows every variable."""
    rules = (ROOT / "Makefile").read_text()
    for word in words:
        if re.fullmatch(VALUES, word.split(" ")[0]):
            assert f"$({word.partition('=')[0]})" in rules, word
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_snakemake(words: list[str]) -> None:
    """Parse the command line as Snakemake does, and see that its targets are there."""
    parsed = get_argument_parser().parse_args(words)
    targets = [word for word in parsed.targets if not re.fullmatch(r"(sweep|transfer)_[A-Za-z]+|…", word)]
    assert set(targets) <= list_targets() or all(word.startswith("results/") for word in targets), targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_is_read_and_a_whole_configuration_is_valid(page):
    for block in YAML.findall(page.read_text(encoding="utf-8")):
        raw = yaml.safe_load(block)
        if {"regions", "experiments"} <= set(raw) and all("imagery" in region for region in raw["regions"].values()):
            validate_config(raw)
        for key, value in raw.items():
            if key in Region.model_fields and key not in {"imagery", "bands", *Config.model_fields}:
                check_part(key, value)


def check_part(key: str, value) -> None:
    """A part of a region is valid beside the least of the rest."""
    rest = {"imagery": "i/{tile}.tif", "bands": ["red"]}
    if key == "split" and value.get("field"):
        value = value | {"method": "field"}
    consensus = {name for one in value.values() if isinstance(one, dict) for name in one.get("consensus", ())}
    if key == "weak" and consensus:
        value = value | {name: {"path": "w.tif"} for name in consensus - set(value)}
    try:
        validate_config({"regions": {"kitui": rest | {key: value}}})
    except CropmineError as error:
        pytest.fail(f"{key}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page):
    for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_target_of_the_makefile_is_told_of():
    targets = set(re.findall(r"^([a-z-]+): \$\(READY\)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = " ".join(command for _, command in list_commands())
    assert {target for target in targets if f"make {target}" not in told} == set()


def test_the_style_for_labels_has_a_colour_and_a_choice_for_the_same_classes():
    root = ET.parse(ROOT / "qgis/labels.qml").getroot()
    drawn = {category.get("value") for category in root.iter("category")} - {""}
    (field,) = (field for field in root.iter("field") if field.get("name") == "class")
    chosen = {option.get("value") for option in field.iter("Option") if option.get("value")}
    assert drawn == chosen == {"cropland", "other", "unsure"}
    assert root.find("renderer-v2").get("attr") == "class"


def test_the_catalogue_and_the_citation_are_read():
    catalogue = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert catalogue["usage"]["software-stack-deployment"]["conda"] is True
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(citation)
    assert f"## {citation['version']}" in (ROOT / "CHANGELOG.md").read_text()
    assert "Apache License" in Path(ROOT / "LICENSE").read_text()
