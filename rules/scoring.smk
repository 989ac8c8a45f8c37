rule score_model:
    input:
        model=trained_model,
        images=scored_images,
        masks=scored_masks,
        features=scored_features,
        labels=split_table,
    output:
        scores="results/{region}/scores/{recipe}/{model}/{run}.json",
    log:
        "results/{region}/logs/score_model/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/score_model/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory("score_model"),
        runtime=minutes("score_model"),
    params:
        settings=lambda wildcards: write_canonical(score_settings(wildcards)),
        code=code("score_model"),
    message:
        "Scoring {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/score_model.py"


rule score_weak_map:
    input:
        weak=weak_path,
        registrations=score_registrations,
        images=scored_images,
        masks=scored_masks,
        labels=split_table,
    output:
        scores="results/{region}/scores/weak_map/{weak}/{run}.json",
    log:
        "results/{region}/logs/score_weak_map/{weak}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/score_weak_map/{weak}/{run}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("score_weak_map"),
        runtime=minutes("score_weak_map"),
    params:
        settings=lambda wildcards: write_canonical(
            {"weak": weak_settings(wildcards.region, wildcards.weak)} | score_settings(wildcards)
        ),
        code=code("score_weak_map"),
    message:
        "Scoring the weak map {wildcards.weak} itself in {wildcards.region}"
    script:
        "../workflow_scripts/score_weak_map.py"


rule measure_distances:
    input:
        images=all_images,
        masks=all_masks,
        area=area,
        excludes=excludes,
        labels=split_table,
    output:
        distances="results/{region}/distances.json",
    log:
        "results/{region}/logs/measure_distances.log",
    benchmark:
        "results/{region}/benchmarks/measure_distances.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("measure_distances"),
        runtime=minutes("measure_distances"),
    params:
        settings=lambda wildcards: write_canonical(distance_settings(wildcards)),
        code=code("measure_distances"),
    message:
        "Measuring how far the labels of {wildcards.region} lie from each other"
    script:
        "../workflow_scripts/measure_distances.py"


checkpoint compare_experiments:
    input:
        scores=experiment_scores,
    output:
        table="results/{region}/experiments.csv",
        differences="results/{region}/differences.csv",
        selected="results/{region}/selected.json",
    log:
        "results/{region}/logs/compare_experiments.log",
    benchmark:
        "results/{region}/benchmarks/compare_experiments.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("compare_experiments"),
        runtime=minutes("compare_experiments"),
    params:
        settings=lambda wildcards: write_canonical(experiment_settings(wildcards)),
        code=code("compare_experiments"),
    message:
        "Comparing the experiments of {wildcards.region}"
    script:
        "../workflow_scripts/compare_experiments.py"


rule compare_sweep:
    input:
        scores=sweep_scores,
    output:
        table="results/{region}/sweeps/{sweep}.csv",
    log:
        "results/{region}/logs/compare_sweep/{sweep}.log",
    benchmark:
        "results/{region}/benchmarks/compare_sweep/{sweep}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("compare_sweep"),
        runtime=minutes("compare_sweep"),
    params:
        settings=lambda wildcards: write_canonical(sweep_settings(wildcards)),
        code=code("compare_sweep"),
    message:
        "Comparing the points of the sweep {wildcards.sweep} in {wildcards.region}"
    script:
        "../workflow_scripts/compare_sweep.py"


rule draw_sweep:
    input:
        table="results/{region}/sweeps/{sweep}.csv",
    output:
        figure="results/{region}/figures/sweep_{sweep}.png",
        data="results/{region}/figures/sweep_{sweep}.csv",
    log:
        "results/{region}/logs/draw_sweep/{sweep}.log",
    benchmark:
        "results/{region}/benchmarks/draw_sweep/{sweep}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_sweep"),
        runtime=minutes("draw_sweep"),
    params:
        settings=lambda wildcards: write_canonical(
            {"sweep": wildcards.sweep, "grid": CONFIG.sweeps[wildcards.sweep].model_dump(mode="json")["grid"]}
        ),
        code=code("draw_sweep"),
    message:
        "Drawing the sweep {wildcards.sweep} of {wildcards.region}"
    script:
        "../workflow_scripts/draw_sweep.py"
