# Inputs. Users' files are read only by jobs behind the verdict of check_region.


def verdict(wildcards):
    pass_gate("check_region", wildcards.region)
    return ancient(f"results/{wildcards.region}/checks.json")


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


def all_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).tiles)


def all_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).tiles)


def training_images(wildcards):
    return images_of(wildcards.region, plan(wildcards.region).training_tiles)


def training_masks(wildcards):
    return masks_of(wildcards.region, plan(wildcards.region).training_tiles)


def area(wildcards):
    region = plan(wildcards.region).region
    return [region.area] if region.area else []


def excludes(wildcards):
    return [exclusion.path for exclusion in plan(wildcards.region).region.exclude]


def source_settings(wildcards):
    """What a file of the region stands for; Snakemake asks for no other."""
    return {"path": plan(wildcards.region).virtual[f"results/{wildcards.region}/virtual/{wildcards.source}.vrt"]}


def weak_paths(wildcards):
    return [weak.path for weak in plan(wildcards.region).region.weak.values() if weak.path is not None]


def weak_path(wildcards):
    return list_weak_files(plan(wildcards.region).region, wildcards.weak)


def registrations(region, weak, segmentation):
    """The measured shifts of a weak map, or of the maps that it is a consensus of; none where it isn't registered."""
    for name in list_registered(plan(region).region, weak):
        pass_gate("register_weak", region, segmentation=segmentation, weak=name)
    return registration_paths(region, weak, segmentation)


def registration_paths(region, weak, segmentation):
    names = list_registered(plan(region).region, weak)
    return [f"results/{region}/registrations/{segmentation}/{name}.json" for name in names]


def overlap_registrations(wildcards):
    return registrations(wildcards.region, wildcards.weak, wildcards.segmentation)


def score_registrations(wildcards):
    """A weak map that is scored itself is moved as the first segmentation has it."""
    return registrations(wildcards.region, wildcards.weak, next(iter(CONFIG.segmentations)))


def other_image(wildcards):
    """An image of another tile, whose place alone is read: a weak map from there is one that can't fit."""
    tiles = plan(wildcards.region).registration_tiles
    other = tiles[(tiles.index(wildcards.tile) + 1) % len(tiles)]
    return [ancient(plan(wildcards.region).files[other]["images"][0])] if other != wildcards.tile else []


def measured_shifts(wildcards):
    folder = f"results/{wildcards.region}/shifts/{wildcards.segmentation}/{wildcards.weak}"
    return [f"{folder}/{tile}.npz" for tile in plan(wildcards.region).registration_tiles]


def shift_settings(wildcards):
    """A shift is measured on the map as it lies, without a guard."""
    weak = weak_settings(wildcards.region, wildcards.weak)
    return weak | {"weak": weak["weak"] | {"register": "off", "guard_m": 0}}


def label_paths(wildcards):
    labels = plan(wildcards.region).region.labels
    return [*labels.path, *labels.test_path] if labels else []


def split_table(wildcards):
    return [f"results/{wildcards.region}/labels/labels.parquet"] if plan(wildcards.region).region.labels else []


def sample_files(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.path, sample.design] if sample else []


def sample_design(wildcards):
    sample = plan(wildcards.region).region.sample
    return [sample.design] if sample else []


def codebook(wildcards):
    if CONFIG.segmentations[wildcards.segmentation].scope == "tile":
        return []
    return [f"results/{wildcards.region}/codebooks/{wildcards.segmentation}.json"]


def deep_model(wildcards):
    experiment = CONFIG.segmentations[wildcards.segmentation].experiment
    return model_path(wildcards.region, plan(wildcards.region).runs[experiment][0])


def of_training_tiles(wildcards, folder, suffix):
    return [f"results/{wildcards.region}/{folder}/{tile}{suffix}" for tile in plan(wildcards.region).training_tiles]


def audit_segments(wildcards):
    return of_training_tiles(wildcards, f"segments/{wildcards.segmentation}", ".tif")


def audit_overlaps(wildcards):
    return of_training_tiles(wildcards, f"overlaps/{wildcards.segmentation}/{wildcards.weak}", ".parquet")


def audit_masks(wildcards):
    return of_training_tiles(wildcards, "masks/whole", ".tif")


def weak_training_labels(wildcards):
    path = plan(wildcards.region).region.weak[wildcards.weak].training_labels
    return [path] if path else []


def audit_settings(wildcards):
    here = plan(wildcards.region)
    return {
        "weak": weak_settings(wildcards.region, wildcards.weak),
        "min_valid": here.region.weak[wildcards.weak].min_valid,
        "prevalence": here.region.prevalence,
        "marks": list_marks(here, CONFIG, wildcards.segmentation, wildcards.weak),
    }


def audits(region):
    """The files of a region's audits by segmentation and weak map: those that mined labels are drawn from."""
    here = plan(region)
    return {
        f"{segmentation}/{weak}": {
            "table": f"results/{region}/audits/{segmentation}/{weak}.parquet",
            "summary": f"results/{region}/audits/{segmentation}/{weak}.json",
            "figure": f"results/{region}/figures/audit_{segmentation}_{weak}.png",
        }
        for segmentation, weak in (here.mined_from if here.region.labels else [])
    }
