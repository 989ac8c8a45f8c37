rule score_model:
    input:
        model=score_model_model,
        images=scored_images,
        masks=scored_masks,
        features=score_model_features,
        weak=score_model_weak,
        registrations=score_model_registrations,
        segments=score_model_segments,
        overlaps=score_model_overlaps,
        labels=split_table,
    output:
        scores=paths.SCORES,
    log:
        "results/{region}/logs/score_model/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/score_model/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=score_model_settings,
        code=code("score_model", by_name=readers_of(score_model_model)),
    message:
        "Scoring {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/score_model.py"


rule score_weak_map:
    input:
        weak=weak_path,
        registrations=first_registrations,
        images=scored_images,
        masks=scored_masks,
        labels=split_table,
    output:
        scores=paths.WEAK_SCORES,
    log:
        "results/{region}/logs/score_weak_map/{weak}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/score_weak_map/{weak}/{run}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=score_weak_map_settings,
        code=code("score_weak_map"),
    message:
        "Scoring the weak map {wildcards.weak} itself in {wildcards.region}"
    script:
        "../workflow_scripts/score_weak_map.py"


rule score_map:
    input:
        maps=map_tiles,
        labels=split_table,
        scores=score_map_scores,
    output:
        scores=paths.MAP_SCORES,
    log:
        "results/{region}/logs/score_map.log",
    benchmark:
        "results/{region}/benchmarks/score_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=score_map_settings,
        code=code("score_map"),
    message:
        "Scoring the delivered map of {wildcards.region}"
    script:
        "../workflow_scripts/score_map.py"


rule score_transfer:
    input:
        model=score_transfer_model,
        images=score_transfer_images,
        masks=score_transfer_masks,
        labels=score_transfer_labels,
        statistics=score_transfer_statistics,
    output:
        scores=paths.TRANSFER_SCORES,
    log:
        "results/transfer/logs/score_transfer/{transfer}/{target}/{labels}/{run}.log",
    benchmark:
        "results/transfer/benchmarks/score_transfer/{transfer}/{target}/{labels}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=score_transfer_settings,
        code=code("score_transfer", by_name=readers_of(score_transfer_model)),
    message:
        "Scoring the network of the labels {wildcards.labels} in {wildcards.target}, {wildcards.run}"
    script:
        "../workflow_scripts/score_transfer.py"


rule measure_distances:
    input:
        images=all_images,
        masks=all_masks,
        area=area,
        excludes=excludes,
        labels=split_table,
    output:
        distances=paths.DISTANCES,
    log:
        "results/{region}/logs/measure_distances.log",
    benchmark:
        "results/{region}/benchmarks/measure_distances.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=measure_distances_settings,
        code=code("measure_distances"),
    message:
        "Measuring distances from test labels and map pixels to training labels in {wildcards.region}"
    script:
        "../workflow_scripts/measure_distances.py"


rule audit_labels:
    input:
        segments=audit_labels_segments,
        overlaps=audit_labels_overlaps,
        masks=audit_labels_masks,
        weak=weak_path,
        registrations=overlap_registrations,
        labels=paths.LABELS,
        training_labels=audit_labels_training_labels,
    output:
        table=paths.AUDIT,
        summary=paths.AUDIT_SUMMARY,
    log:
        "results/{region}/logs/audit_labels/{segmentation}/{weak}.log",
    benchmark:
        "results/{region}/benchmarks/audit_labels/{segmentation}/{weak}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=audit_labels_settings,
        code=code("audit_labels"),
    message:
        "Auditing the labels that {wildcards.segmentation} mines from {wildcards.weak} in {wildcards.region}"
    script:
        "../workflow_scripts/audit_labels.py"


checkpoint compare_experiments:
    input:
        scores=compare_experiments_scores,
    output:
        table=paths.EXPERIMENTS,
        differences=paths.DIFFERENCES,
        selected=paths.SELECTED,
    log:
        "results/{region}/logs/compare_experiments.log",
    benchmark:
        "results/{region}/benchmarks/compare_experiments.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=compare_experiments_settings,
        code=code("compare_experiments"),
    message:
        "Comparing the experiments of {wildcards.region}"
    script:
        "../workflow_scripts/compare_experiments.py"


rule compare_sweep:
    input:
        scores=compare_sweep_scores,
    output:
        table=paths.SWEEP,
    log:
        "results/{region}/logs/compare_sweep/{sweep}.log",
    benchmark:
        "results/{region}/benchmarks/compare_sweep/{sweep}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=compare_sweep_settings,
        code=code("compare_sweep"),
    message:
        "Comparing the grid points of the sweep {wildcards.sweep} in {wildcards.region}"
    script:
        "../workflow_scripts/compare_sweep.py"


rule compare_transfer:
    input:
        scores=compare_transfer_scores,
    output:
        table=paths.TRANSFER,
    log:
        "results/transfer/logs/compare_transfer/{transfer}.log",
    benchmark:
        "results/transfer/benchmarks/compare_transfer/{transfer}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=compare_transfer_settings,
        code=code("compare_transfer"),
    message:
        "Comparing the models of the transfer {wildcards.transfer}"
    script:
        "../workflow_scripts/compare_transfer.py"


if SIMULATED:

    rule check_simulation:
        input:
            models=check_simulation_models,
            images=all_images,
            masks=all_masks,
            weak=first_weak,
            registrations=first_registrations,
            segments=check_simulation_segments,
            overlaps=check_simulation_overlaps,
            table=paths.EXPERIMENTS,
            truth=paths.TRUTH,
        output:
            table=paths.TRUTH_CHECK,
        log:
            "results/{region}/logs/check_simulation.log",
        benchmark:
            "results/{region}/benchmarks/check_simulation.tsv"
        wildcard_constraints:
            region="|".join(SIMULATED),
        conda:
            "../envs/train.yaml"
        threads: CONFIG.training.cpu_threads
        resources:
            mem_mb=memory,
            runtime=minutes,
        params:
            settings=check_simulation_settings,
            code=code("check_simulation", by_name=readers_of(check_simulation_models)),
        message:
            "Checking the scores of {wildcards.region} against its truth"
        script:
            "../workflow_scripts/check_simulation.py"
