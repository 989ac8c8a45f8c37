rule mask_tile:
    input:
        images=tile_images,
        masks=tile_masks,
        area=area,
        excludes=excludes,
        labels=split_table,
        sample=sample_design,
        checked=checked,
    output:
        mask="results/{region}/masks/{fold}/{tile}.tif",
    log:
        "results/{region}/logs/mask_tile/{fold}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/mask_tile/{fold}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("mask_tile"),
        runtime=minutes("mask_tile"),
    params:
        settings=lambda wildcards: write_canonical(tile_settings(wildcards) | mask_settings(wildcards)),
        code=code("mask_tile"),
    message:
        "Marking where labels of {wildcards.tile} of {wildcards.region} may train, {wildcards.fold}"
    script:
        "../workflow_scripts/mask_tile.py"


rule burn_target:
    input:
        mask=recipe_mask,
        labels=recipe_labels,
        segments=recipe_segments,
        overlap=recipe_overlap,
        weak=recipe_weak,
        registrations=recipe_registrations,
    output:
        target="results/{region}/targets/{recipe}/{tile}.tif",
    log:
        "results/{region}/logs/burn_target/{recipe}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/burn_target/{recipe}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("burn_target"),
        runtime=minutes("burn_target"),
    params:
        settings=lambda wildcards: write_canonical({"recipe": recipe_settings(wildcards), "tile": wildcards.tile}),
        code=code("burn_target"),
    message:
        "Burning the target of {wildcards.tile} of {wildcards.region} by {wildcards.recipe}"
    script:
        "../workflow_scripts/burn_target.py"


rule train_model:
    input:
        images=training_images,
        masks=training_masks,
        targets=training_targets,
        labels=split_table,
    output:
        model="results/{region}/models/{recipe}/{model}/{run}/model.ckpt",
        history="results/{region}/models/{recipe}/{model}/{run}/history.csv",
    log:
        "results/{region}/logs/train_model/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/train_model/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory("train_model"),
        runtime=minutes("train_model"),
        gpu=CONFIG.training.gpus,
    params:
        settings=lambda wildcards: write_canonical(training_settings(wildcards)),
        code=code("train_model"),
    message:
        "Training on {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/train_model.py"


rule train_forest:
    input:
        images=training_images,
        masks=training_masks,
        targets=training_targets,
        features=training_features,
    output:
        model="results/{region}/models/{recipe}/{model}/{run}/forest.npz",
    log:
        "results/{region}/logs/train_forest/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/train_forest/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=memory("train_forest"),
        runtime=minutes("train_forest"),
    params:
        settings=lambda wildcards: write_canonical(forest_settings(wildcards)),
        code=code("train_forest"),
    message:
        "Growing a random forest on {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/train_forest.py"
