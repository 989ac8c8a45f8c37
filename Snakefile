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
    transfer="|".join(CONFIG.transfers) or "none",
    target="|".join(CONFIG.regions),
    lesson=r"[A-Za-z0-9_]+",


rule all:
    default_target: True
    input:
        "results/report.html",
        "results/kept.json",
        collect("results/{region}/checks.json", region=REGIONS),
    localrule: True
    message:
        "Everything that the configuration asks for is ready."


for stage, paths in stages().items():

    rule:
        name:
            stage
        input:
            paths,
        localrule: True
        message:
            f"The target {stage} is ready."


include: "rules/inputs.smk"
include: "rules/mining.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/transfer.smk"
include: "rules/mapping.smk"
include: "rules/reporting.smk"


settle_process()


onstart:
    check_cluster()
    show_progress()
