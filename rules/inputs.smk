if SIMULATED:

    rule simulate_region:
        output:
            imagery=collect(
                "results/{{region}}/inputs/imagery/{tile}.tif",
                tile=plan(SIMULATED[0]).tiles,
            ),
            masks=collect(
                "results/{{region}}/inputs/masks/{tile}.tif",
                tile=plan(SIMULATED[0]).tiles,
            ),
            weak="results/{region}/inputs/weak.tif",
            weak_other="results/{region}/inputs/weak_other.tif",
            labels="results/{region}/inputs/labels.gpkg",
            truth="results/{region}/inputs/truth.tif",
        log:
            "results/{region}/logs/simulate_region.log",
        benchmark:
            "results/{region}/benchmarks/simulate_region.tsv"
        wildcard_constraints:
            region="|".join(SIMULATED),
        conda:
            "../envs/geo.yaml"
        threads: 1
        resources:
            mem_mb=memory("simulate_region"),
            runtime=minutes("simulate_region"),
        params:
            settings=lambda wildcards: write_canonical(simulation_settings(wildcards)),
            code=code("simulate_region"),
        message:
            "Making up the landscape {wildcards.region}"
        script:
            "../workflow_scripts/simulate_region.py"


rule wrap_source:
    output:
        wrapped="results/{region}/virtual/{source}.vrt",
    log:
        "results/{region}/logs/wrap_source/{source}.log",
    benchmark:
        "results/{region}/benchmarks/wrap_source/{source}.tsv"
    wildcard_constraints:
        source=r"[A-Za-z0-9_]+",
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("wrap_source"),
        runtime=minutes("wrap_source"),
    params:
        settings=lambda wildcards: write_canonical(source_settings(wildcards)),
        code=code("wrap_source"),
    message:
        "Opening {wildcards.source} of {wildcards.region}"
    script:
        "../workflow_scripts/wrap_source.py"


checkpoint check_region:
    input:
        images=all_images,
        masks=all_masks,
        weak=weak_paths,
        labels=label_paths,
        area=area,
        excludes=excludes,
        sample=sample_files,
    output:
        verdict="results/{region}/checks.json",
        quicklooks="results/{region}/checks.png",
    log:
        "results/{region}/logs/check_region.log",
        table="results/{region}/logs/check_region.csv",
    benchmark:
        "results/{region}/benchmarks/check_region.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("check_region"),
        runtime=minutes("check_region"),
    params:
        settings=lambda wildcards: write_canonical(check_settings(wildcards)),
        code=code("check_region"),
    message:
        "Checking the inputs of {wildcards.region}"
    script:
        "../workflow_scripts/check_region.py"


rule split_labels:
    input:
        labels=label_paths,
        verdict=verdict,
    output:
        labels="results/{region}/labels/labels.parquet",
        splits="results/{region}/labels/splits.csv",
    log:
        "results/{region}/logs/split_labels.log",
    benchmark:
        "results/{region}/benchmarks/split_labels.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("split_labels"),
        runtime=minutes("split_labels"),
    params:
        settings=lambda wildcards: write_canonical(label_settings(wildcards)),
        code=code("split_labels"),
    message:
        "Splitting the human labels of {wildcards.region} into blocks"
    script:
        "../workflow_scripts/split_labels.py"
