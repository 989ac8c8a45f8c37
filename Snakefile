from snakemake.utils import min_version

min_version("9.27")


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"


wildcard_constraints:
    **paths.WILDCARDS,
    region="|".join(CONFIG.regions),
    target="|".join(CONFIG.regions),
    sweep="|".join(CONFIG.sweeps) or "none",
    transfer="|".join(CONFIG.transfers) or "none",


rule all:
    default_target: True
    input:
        paths.REPORT,
        paths.KEPT,
        collect(paths.CHECKS, region=REGIONS),
    localrule: True
    message:
        "Everything that the configuration requires is ready."


for stage, files in stages().items():

    rule:
        name:
            stage
        input:
            files,
        localrule: True
        message:
            f"The target {stage} is ready."


include: "rules/inputs.smk"
include: "rules/mining.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/mapping.smk"
include: "rules/reporting.smk"


settle_process()


onstart:
    check_cluster()
    show_progress()
