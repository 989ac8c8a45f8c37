# Users' files are read only by jobs after the verdict of check_region.


def verdict(wildcards):
    pass_gate("check_region", wildcards.region)
    return ancient(paths.CHECKS.format(**wildcards))


def checked(wildcards):
    """Wait for the verdict and name no file: Snakemake compares a file with all inputs of the job that makes it, so
    that thousands of jobs behind one with thousands of inputs would take it the square of the time."""
    pass_gate("check_region", wildcards.region)
    return []


def tile_images(wildcards):
    return plan(wildcards.region).files[wildcards.tile]["images"]


def tile_masks(wildcards):
    return plan(wildcards.region).files[wildcards.tile]["masks"]


def images_of(region, tiles):
    return [path for tile in tiles for path in plan(region).files[tile]["images"]]


def masks_of(region, tiles):
    return [path for tile in tiles for path in plan(region).files[tile]["masks"]]


def features_of(region, model, tiles):
    """The feature rasters that a model reads in place of the bands, one a tile; none of most models."""
    name = getattr(plan(region).models[model].model, "features", None)
    return [plan(region).files[tile]["features"][name] for tile in tiles] if name else []


# The weak map and the segments of tiles, for models that read them.


def reads_of(region, model):
    """What a model reads besides imagery; None of models that read nothing else."""
    return plan(region).models[model].reads


def weak_of(region, reads):
    return reads.weak.files if reads and reads.weak else []


def registrations_of(region, reads):
    return registrations(region, reads.weak.name, reads.segmentation[0]) if reads and reads.weak else []


def segments_of(region, reads, tiles):
    return collect(paths.SEGMENTS, region=region, segmentation=reads.segmentation[0], tile=tiles) if reads else []


def overlaps_of(region, reads, tiles):
    if not (reads and reads.weak):
        return []
    names = {"region": region, "segmentation": reads.segmentation[0], "weak": reads.weak.name}
    return collect(paths.OVERLAP, **names, tile=tiles)


def reads_settings(reads):
    """How the weak map is read that a model reads besides imagery."""
    return {"reads": reads.weak.settings if reads and reads.weak else None}


def all_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).tiles)


def all_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).tiles)


def area(wildcards):
    region = plan(wildcards.region).region
    return [region.area] if region.area else []


def excludes(wildcards):
    return [exclusion.path for exclusion in plan(wildcards.region).region.exclude]


def weak_path(wildcards):
    return weak_source(wildcards.region, wildcards.weak).files


def weak_paths(wildcards):
    return [weak.path for weak in plan(wildcards.region).region.weak.values() if weak.path is not None]


def label_paths(wildcards):
    labels = plan(wildcards.region).region.labels
    return [*labels.path, *labels.test_path] if labels else []


def split_table(wildcards):
    return [paths.LABELS.format(**wildcards)] if plan(wildcards.region).region.labels else []


def sample_file(wildcards):
    return plan(wildcards.region).region.sample.path


def sample_design(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.design] if sample else []


def find_run(region, run):
    return next(made for made in plan(region).every_run if made.name == run)


# Settings that rules of several phases read.


def imagery_settings(region):
    mask = plan(region).region.mask
    return {
        "bands": list(plan(region).region.bands),
        "mask_bad": list(mask.bad) if mask else [],
        "mask_band": mask.band if mask else 1,
    }


def tiles_settings(region, tiles):
    return imagery_settings(region) | {"dates": plan(region).dates, "tiles": tiles}


def zone_settings(region):
    return {"exclude_as": [exclusion.as_ for exclusion in plan(region).region.exclude]}


def fold_settings(region, fold):
    """What split_of reads: the number of folds only of a run that has one."""
    return {"fold": fold, "folds": None if fold is None else plan(region).region.split.folds}


def weak_source(region, name=None):
    """A weak map of a region; the first where none is named, None where there is none."""
    name = name or next(iter(plan(region).region.weak), None)
    return find_weak_source(plan(region).region, name) if name else None


def sample_settings(wildcards):
    sample = plan(wildcards.region).region.sample
    return {"sample": sample.model_dump(mode="json", exclude={"buffer_m"})}


# What rules of this phase read.


@canonical
def simulate_region_settings(wildcards):
    return {"simulation": plan(wildcards.region).region.simulate.model_dump(mode="json")}


@canonical
def wrap_source_settings(wildcards):
    """The path that a virtual source of the region stands for; Snakemake asks for no other."""
    return {"path": plan(wildcards.region).virtual[paths.VIRTUAL.format(**wildcards)]}


# Keys of a region and of its weak maps that the check doesn't read.
UNCHECKED = ("simulate", "tiles", "features", "year", "prevalence", "model", "threshold", "experiments", "seeds")
UNCHECKED_WEAK = {"preset", "agreement", "register_", "guard_m", "min_valid", "training_labels"}


def check_region_sample(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.path, sample.design] if sample else []


@canonical
def check_region_settings(wildcards):
    here = plan(wildcards.region)
    unread = dict.fromkeys(UNCHECKED, True) | {"weak": {"__all__": UNCHECKED_WEAK}, "sample": {"buffer_m"}}
    unread |= {} if here.region.labels else {"split": True}
    tiles = {tile: {kind: files[kind] for kind in ("images", "masks")} for tile, files in here.files.items()}
    return {"region": here.region.model_dump(mode="json", exclude=unread), "tiles": tiles}


@canonical
def split_labels_settings(wildcards):
    """Blocks and splits don't depend on the buffer; what it leaves to train on, check_region has looked at."""
    region = plan(wildcards.region).region
    return {
        "labels": region.labels.model_dump(mode="json", exclude={"definition", "year"}),
        "split": region.split.model_dump(mode="json", exclude={"buffer_m"}),
        "draws": sorted({*range(DRAWS), *list_seeds(region, CONFIG)}),
    }
