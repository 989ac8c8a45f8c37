rule train_model:
    input:
        images=training_images,
        masks=training_masks,
        targets=training_targets,
        labels=split_table,
    output:
        model=paths.MODEL,
        history=paths.HISTORY,
    log:
        "results/{region}/logs/train_model/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/train_model/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=CONFIG.training.gpus,
    params:
        settings=train_model_settings,
        code=code("train_model", by_name=train_model_loss),
    message:
        "Training a network on {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/train_model.py"


for kind in CLASSIFIERS:

    rule:
        name:
            kind.rule
        input:
            images=training_images,
            masks=training_masks,
            targets=training_targets,
            features=train_classifier_features,
            weak=train_classifier_weak,
            registrations=train_classifier_registrations,
            segments=train_classifier_segments,
            overlaps=train_classifier_overlaps,
        output:
            model=paths.name_model(kind),
        log:
            f"results/{{region}}/logs/{kind.rule}/{{recipe}}/{{model}}/{{run}}.log",
        benchmark:
            f"results/{{region}}/benchmarks/{kind.rule}/{{recipe}}/{{model}}/{{run}}.tsv"
        conda:
            "../envs/train.yaml"
        threads: 2
        resources:
            mem_mb=memory,
            runtime=minutes,
        params:
            settings=train_classifier_settings,
            code=code("train_classifier", by_name=train_classifier_kind),
        message:
            "Training a classifier of pixels on {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
        script:
            "../workflow_scripts/train_classifier.py"


rule fuse_models:
    input:
        models=fuse_models_models,
    output:
        model=paths.name_model(Fusion),
    log:
        "results/{region}/logs/fuse_models/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/fuse_models/{recipe}/{model}/{run}.tsv"
    localrule: True
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=fuse_models_settings,
        code=code("fuse_models", by_name=readers_of(lambda wildcards: paths.name_model(Fusion))),
    message:
        "Collecting the models that {wildcards.model} of {wildcards.region} averages, {wildcards.run}"
    script:
        "../workflow_scripts/fuse_models.py"


rule train_transfer:
    input:
        images=train_transfer_images,
        masks=train_transfer_masks,
        targets=train_transfer_targets,
        labels=train_transfer_labels,
        statistics=train_transfer_statistics,
    output:
        model=paths.TRANSFER_MODEL,
        history=paths.TRANSFER_HISTORY,
    log:
        "results/transfer/logs/train_transfer/{transfer}/{target}/{labels}/{run}.log",
    benchmark:
        "results/transfer/benchmarks/train_transfer/{transfer}/{target}/{labels}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
        gpu=CONFIG.training.gpus,
    params:
        settings=train_transfer_settings,
        code=code("train_transfer", by_name=train_transfer_loss),
    message:
        "Training a network for {wildcards.target} on the labels {wildcards.labels}, {wildcards.run}"
    script:
        "../workflow_scripts/train_transfer.py"


rule export_weights:
    input:
        model=paths.MODEL,
    output:
        weights=paths.WEIGHTS,
    log:
        "results/{region}/logs/export_weights/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/export_weights/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code("export_weights"),
    message:
        "Exporting the weights of {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/export_weights.py"
