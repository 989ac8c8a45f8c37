"""Configurations as text: tags, anchors, types that aren't, names that lead elsewhere."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from cropmine.config.base import NAME, TILE_NAME
from cropmine.config.schema import Config
from cropmine.config.validation import read_config, validate_config
from cropmine.planning.sweeps import expand_sweeps
from hostile.examination import Case

REGION = "regions: {{r: {{imagery: 'x/{{tile}}.tif', bands: [red]{more}}}}}\n{rest}"


def sound(more: str = "", rest: str = "") -> str:
    return REGION.format(more=more, rest=rest)


def examine_config(path: Path) -> None:
    """Read and check it: what comes out has names alone that can be folders of results."""
    config, _ = expand_sweeps(validate_config(read_config(path)))
    assert isinstance(config, Config)
    names = [*config.regions, *config.segmentations, *config.models, *config.experiments, *config.sweeps]
    names += [name for region in config.regions.values() for name in (*region.weak, *region.features)]
    assert all(NAME.fullmatch(name) for name in names)
    assert all(TILE_NAME.fullmatch(tile) for region in config.regions.values() for tile in region.tiles or ())
    assert TILE_NAME.fullmatch(config.map.run)


def write_text(text: str | bytes, folder: Path) -> Callable[[], None]:
    path = folder / "hostile.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return partial(examine_config, path)


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
NAMES = {
    "a space": "a b",
    "a quote": "a'b",
    "two quotes": 'a"b',
    "a command": "$(touch pwned)",
    "backticks": "`id`",
    "the folder above": "..",
    "a path above": "../../x",
    "an absolute path": "/etc/x",
    "a line break": "a\nb",
    "a line break behind": "a\n",
    "a dash before": "-rf",
    "a dot before": ".x",
    "accents": "café",
    "another script": "区域",
    "digits of another script": "١٢",
    "a letter that looks alike": "\u0430bc",
    "a combining mark": "e\u0301",
    "text from right to left": "\u202etxt",
    "a zero byte": "a\0b",
    "nothing": "",
    "a wildcard": "{tile}",
    "a star": "*",
    "a semicolon": "a;rm",
    "a tag": "<script>alert(1)</script>",
    "a percent sign": "%s%n",
    "300 letters": "a" * 300,
}
TEXTS: dict[str, tuple[str, str | bytes]] = {
    "sound": ("right", sound()),
    "nothing": ("refused", ""),
    "a number": ("refused", "5"),
    "a list": ("refused", "[1, 2]"),
    "text": ("refused", "regions"),
    "zero bytes": ("refused", bytes(100)),
    "bytes that aren't text": ("refused", b"\xff\xfe\xfa"),
    "a tag that calls": ("refused", "!!python/object/apply:os.system ['touch pwned']"),
    "a tag of a name": ("refused", "regions: !!python/name:os.system"),
    "a tag of a module": ("refused", "regions: !!python/module:os"),
    "an unknown tag": ("refused", "regions: !evil {}"),
    "an anchor": ("right", sound(rest="segmentations: {a: &a {clusters: 5}, b: *a}")),
    "a merge": ("right", sound(rest="segmentations: {a: &a {clusters: 5}, b: {<<: *a, clusters: 6}}")),
    "an anchor that isn't there": ("refused", "regions: *nowhere"),
    "an anchor of itself": ("refused", "regions: &a {r: *a}"),
    "a list of itself": ("refused", sound(rest="seeds: &a [0, *a]")),
    "anchors by the thousand million": ("refused", LAUGHS + sound()),
    "anchors as bands": ("refused", LAUGHS + "regions: {r: {imagery: 'x/{tile}.tif', bands: *a11}}"),
    "deep brackets": ("refused", "regions: " + "[" * 20_000),
    "deep maps": ("refused", "".join(f"{' ' * i}a:\n" for i in range(2000))),
    "two documents": ("refused", sound() + "---\n" + sound()),
    "a key twice": ("either", sound() + sound()),
    "a tab": ("refused", "regions:\n\tr: 1"),
    "a list as key": ("refused", "? [a, b]\n: 1"),
    "a number as region": ("refused", "regions: {5: {imagery: 'x/{tile}.tif', bands: [red]}}"),
    "nothing as region": ("refused", "regions: {r: }"),
    "no as region": ("refused", "regions: {no: {imagery: 'x/{tile}.tif', bands: [red]}}"),
    "an unknown key": ("refused", sound(rest="evil: 1")),
    "a huge number": ("refused", sound(rest="seeds: [" + "9" * 5000 + "]")),
    "infinity": ("refused", sound(more=", prevalence: .inf")),
    "NaN": ("refused", sound(more=", prevalence: .nan")),
    "a date": ("refused", sound(more=", year: 2021-01-01")),
    "a million bands": (
        "either",
        f"regions: {{r: {{imagery: 'x/{{tile}}.tif', bands: [{', '.join(f'b{i}' for i in range(20_000))}]}}}}",
    ),
    "a grid of a thousand million points": (
        "refused",
        sound(
            rest="experiments: {a: {human: 1}}\nsweeps: {s: {base: a, grid: {"
            + ", ".join(f"segmentation.k{i}: {list(range(10))}" for i in range(9))
            + "}}}"
        ),
    ),
    "a grid of ten million true points": (
        "refused",
        sound(
            rest="experiments: {a: {human: 1}}\nsweeps: {s: {base: a, grid: {"
            + ", ".join(
                f"{key}: {list(range(1, 60))}"
                for key in ("segmentation.clusters", "segmentation.seed", "model.steps", "model.epochs")
            )
            + "}}}"
        ),
    ),
    "a pattern with the tile twice": ("refused", "regions: {r: {imagery: '{tile}/{tile}.tif', bands: [red]}}"),
    "a model that is a script": ("refused", sound(more=", model: evil.py")),
    "the folder of kept runs as region": ("refused", "regions: {runs: {imagery: 'x/{tile}.tif', bands: [red]}}"),
    "the folder of comparisons as region": (
        "refused",
        "regions: {comparisons: {imagery: 'x/{tile}.tif', bands: [red]}}",
    ),
}


def quote(name: str) -> str:
    """A name in YAML's double quotes."""
    return '"' + "".join(f"\\U{ord(sign):08x}" for sign in name) + '"'


NAMED = {
    f"{name} in a {kind}": ("refused", text.replace("NAME", quote(sign)))
    for name, sign in NAMES.items()
    for kind, text in {
        "region": "regions: {NAME: {imagery: 'x/{tile}.tif', bands: [red]}}",
        "tile": sound(more=", tiles: [NAME]"),
        "experiment": sound(rest="experiments: {NAME: {human: 1}}"),
        "run": sound(rest="map: {run: NAME}"),
    }.items()
}
CONFIG_CASES = [
    Case(f"config: {name}", "config", partial(write_text, text), expected, "")
    for name, (expected, text) in (TEXTS | NAMED).items()
]
