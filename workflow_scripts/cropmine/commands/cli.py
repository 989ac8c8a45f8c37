"""The command `cropmine`: a subcommand for each task. Each imports what it needs when it runs."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from cropmine.errors import CropmineError
from cropmine.version import VERSION

CONFIG = click.argument("config", default="config.yaml", type=click.Path(path_type=Path))
SEVERAL: dict[str, Any] = {"multiple": True, "metavar": "TEXT"}


class Task(click.Command):
    """A subcommand whose CropmineError is shown below its usage; the exit code is 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CropmineError as error:
            raise click.UsageError(str(error), ctx) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="cropmine")
def cropmine() -> None:
    """Cropland maps from imagery tiles, a public cropland map and a few labels.

    These commands prepare a run and look at its results; Snakemake makes the map:

    \b
        cropmine new-region kitui --imagery data/kitui/quads --weak data/kitui/worldcover.tif
        cropmine plan kitui.yaml
        snakemake --cores all --configfile kitui.yaml
    """


@cropmine.command("new-region", cls=Task, no_args_is_help=True)
@click.argument("name")
@click.option("--imagery", required=True, help="Folder, folder of dates, file, or pattern with {tile}.")
@click.option("--weak", default="", metavar="FILE", help="Public cropland map: raster or polygons.")
@click.option("--weak-cropland", **SEVERAL, help="A value of that map that is cropland. May be repeated.")
@click.option("--labels", multiple=True, metavar="FILE", help="Label file. May be repeated.")
@click.option("--test", multiple=True, metavar="FILE", help="Label file that only tests. May be repeated.")
@click.option("--class-field", default="", help="Field of the labels that holds the class.")
@click.option("--cropland", **SEVERAL, help="A class of the labels that is cropland. May be repeated.")
@click.option("--noncropland", **SEVERAL, help="A class of the labels that is not cropland. May be repeated.")
@click.option("--ignore", **SEVERAL, help="A class of the labels to leave out. May be repeated.")
@click.option("--definition", default="", help="What counts as cropland, for map and report.")
@click.option("--out", type=click.Path(path_type=Path), help="Configuration to write.  [default: NAME.yaml]")
def new_region(name: str, imagery: str, weak: str, out: Path | None, **given: Any) -> None:
    """Write a configuration for your files.

    It looks at them, guesses their settings, checks these and writes them with the reasons.

    \b
    Example:
        cropmine new-region kitui --imagery data/kitui/quads --weak data/kitui/worldcover.tif \\
            --labels data/kitui/fields.gpkg --labels data/kitui/other.gpkg
    """
    from cropmine.commands.guess_labels import LabelOptions
    from cropmine.commands.new_region import Inputs, spell_draft, write_draft

    logging.getLogger("cropmine").setLevel(logging.ERROR)  # splits that are only tried warn of what they lack
    label_options = LabelOptions(
        *(given[key] for key in ("class_field", "cropland", "noncropland", "ignore", "definition"))
    )
    inputs = Inputs(
        name, imagery.rstrip("/"), weak, given["labels"], given["test"], given["weak_cropland"], label_options
    )
    path = out or Path(f"{name}.yaml")
    click.echo(spell_draft(write_draft(inputs, path), path))


@cropmine.command(cls=Task)
@CONFIG
@click.option("--cores", default=1, show_default=True, type=click.IntRange(1), help="Cores to use.")
def check(config: Path, cores: int) -> None:
    """Check the inputs of CONFIG.

    It stops before any long work. It runs the target check_inputs of the workflow, so call it in cropmine's folder.

    \b
    Example:
        cropmine check kitui.yaml
    """
    from cropmine.config.validation import read_config, validate_config

    validate_config(read_config(config))
    if not Path("Snakefile").is_file():
        raise CropmineError("Snakefile", "no such file in this folder", "call it in the folder of cropmine's workflow")
    command = [sys.executable, "-m", "snakemake", "check_inputs", "--cores", str(cores), "--configfile", str(config)]
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603  # nosec B603 # no shell


@cropmine.command(cls=Task)
@CONFIG
def plan(config: Path) -> None:
    """List the jobs that CONFIG leaves to do.

    Trainings, core-hours and gigabytes are counted by region and rule; times are those of past runs.

    \b
    Example:
        cropmine plan kitui.yaml
    """
    from cropmine.planning.forecast import forecast_work

    click.echo(forecast_work(config))


@cropmine.command(cls=Task, no_args_is_help=True)
@click.argument("mosaic")
@click.argument("folder")
@click.option("--size", default=4096, show_default=True, type=click.IntRange(16), help="Side of a tile, pixels.")
def tiles(mosaic: str, folder: str, size: int) -> None:
    """Cut a large MOSAIC into tiles in FOLDER.

    \b
    Example:
        cropmine tiles data/kitui/mosaic.tif data/kitui/tiles --size 2048
    """
    from cropmine.commands.cut_tiles import cut_mosaic

    written, empty = cut_mosaic(mosaic, folder, size)
    left = f"; {empty} more hold no valid pixel" if empty else ""
    click.echo(f"{len(written)} tiles in {folder}{left}. In a configuration: imagery: {folder}/{{tile}}.tif")


@cropmine.command(cls=Task)
@CONFIG
@click.option("--remove", is_flag=True, help="Remove the files; without it they are only listed.")
def prune(config: Path, remove: bool) -> None:
    """List outputs that CONFIG no longer names.

    With --remove they are removed.

    \b
    Example:
        cropmine prune kitui.yaml --remove
    """
    from cropmine.planning.pruning import find_unnamed, refuse_locked, remove_files, render_unnamed

    if remove:
        refuse_locked()
    files = find_unnamed(config)
    click.echo(render_unnamed(files))
    if remove:
        remove_files(files)
        click.echo(f"{len(files)} files removed.")
    elif files:
        click.echo("Nothing is removed yet. Add --remove to remove them.")


@cropmine.command(cls=Task, no_args_is_help=True)
@click.argument("first")
@click.argument("second")
def compare(first: str, second: str) -> None:
    """Compare two kept runs.

    Their configurations, scores on the same labels, hectares and a map of the change are written to
    results/comparisons. FIRST and SECOND are names of runs in results/runs, or how they begin.

    \b
    Example:
        cropmine compare before after
    """
    from cropmine.commands.compare_runs import compare_runs
    from cropmine.planning import paths

    click.echo(compare_runs(paths.RESULTS, first, second) / "summary.md")
