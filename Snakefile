from snakemake.utils import min_version

min_version("9.27")


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"


wildcard_constraints:
    region="|".join(CONFIG.regions),
    tile=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    segmentation=r"[A-Za-z0-9][A-Za-z0-9_]*",
    weak=r"[A-Za-z0-9][A-Za-z0-9_]*",
    thresholds=r"[a-z0-9_.]+",
    recipe=r"(?!weak_map/)[A-Za-z0-9_.-]+",
    fold=r"whole|fold\d+",
    model=r"[A-Za-z0-9_]+",
    run=r"seed\d+(_fold\d+)?",
    sweep="|".join(CONFIG.sweeps) or "none",


localrules:
    all,
    mine,
    train,
    map,
    report,


rule all:
    default_target: True
    input:
        "results/report.html",
        collect("results/{region}/{product}", region=REGIONS, product=["checks.json"]),


rule mine:
    input:
        [path for region in REGIONS for path in mined_polygons(region)],
    message:
        "Mined labels of {REGIONS} are ready."


rule train:
    input:
        [path for region in REGIONS for path in trained_models(region)],
    message:
        "Models of {REGIONS} are ready."


rule map:
    input:
        [path for region in REGIONS for path in maps_wanted(region)],
    message:
        "Maps of {REGIONS} are ready."


rule report:
    input:
        "results/report.html",


for sweep in CONFIG.sweeps:

    rule:
        name:
            f"sweep_{sweep}"
        input:
            sweep_figures(sweep),
        localrule: True
        message:
            f"The sweep {sweep} is compared."


include: "rules/inputs.smk"
include: "rules/mining.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/mapping.smk"
include: "rules/reporting.smk"
