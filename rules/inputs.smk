if SIMULATED:

    rule simulate_region:
        output:
            imagery=collect(paths.SIMULATED_IMAGERY, tile=plan(SIMULATED[0]).tiles, allow_missing=True),
            masks=collect(paths.SIMULATED_MASKS, tile=plan(SIMULATED[0]).tiles, allow_missing=True),
            weak=paths.SIMULATED_WEAK,
            weak_other=paths.SIMULATED_WEAK_OTHER,
            labels=paths.SIMULATED_LABELS,
            truth=paths.TRUTH,
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
            mem_mb=memory,
            runtime=minutes,
        params:
            settings=simulate_region_settings,
            code=code("simulate_region"),
        message:
            "Simulating the region {wildcards.region}"
        script:
            "../workflow_scripts/simulate_region.py"


rule wrap_source:
    output:
        wrapped=paths.VIRTUAL,
    log:
        "results/{region}/logs/wrap_source/{source}.log",
    benchmark:
        "results/{region}/benchmarks/wrap_source/{source}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=wrap_source_settings,
        code=code("wrap_source"),
    message:
        "Writing a virtual raster of {wildcards.source} of {wildcards.region}"
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
        sample=check_region_sample,
    output:
        verdict=paths.CHECKS,
        quicklooks=paths.QUICKLOOKS,
    log:
        "results/{region}/logs/check_region.log",
        table=paths.FINDINGS,
    benchmark:
        "results/{region}/benchmarks/check_region.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=check_region_settings,
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
        labels=paths.LABELS,
        splits=paths.SPLITS,
    log:
        "results/{region}/logs/split_labels.log",
    benchmark:
        "results/{region}/benchmarks/split_labels.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=split_labels_settings,
        code=code("split_labels"),
    message:
        "Splitting the human labels of {wildcards.region} into blocks"
    script:
        "../workflow_scripts/split_labels.py"
