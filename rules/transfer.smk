rule train_transfer:
    input:
        images=lesson_images,
        masks=lesson_masks,
        targets=lesson_targets,
        labels=lesson_labels,
        statistics=lesson_statistics,
    output:
        model="results/transfer/{transfer}/models/{target}/{lesson}/{run}/model.ckpt",
        history="results/transfer/{transfer}/models/{target}/{lesson}/{run}/history.csv",
    log:
        "results/transfer/logs/train_transfer/{transfer}/{target}/{lesson}/{run}.log",
    benchmark:
        "results/transfer/benchmarks/train_transfer/{transfer}/{target}/{lesson}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory("train_transfer"),
        runtime=minutes("train_transfer"),
        gpu=CONFIG.training.gpus,
    params:
        settings=lambda wildcards: write_canonical(lesson_settings(wildcards)),
        code=code("train_transfer"),
    message:
        "Training {wildcards.lesson} for {wildcards.target}, {wildcards.run}"
    script:
        "../workflow_scripts/train_transfer.py"


rule score_transfer:
    input:
        model=lesson_model,
        images=tested_images,
        masks=tested_masks,
        labels=tested_labels,
        statistics=tested_statistics,
    output:
        scores="results/transfer/{transfer}/scores/{target}/{lesson}/{run}.json",
    log:
        "results/transfer/logs/score_transfer/{transfer}/{target}/{lesson}/{run}.log",
    benchmark:
        "results/transfer/benchmarks/score_transfer/{transfer}/{target}/{lesson}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory("score_transfer"),
        runtime=minutes("score_transfer"),
    params:
        settings=lambda wildcards: write_canonical(tested_settings(wildcards)),
        code=code("score_transfer"),
    message:
        "Scoring {wildcards.lesson} in {wildcards.target}, {wildcards.run}"
    script:
        "../workflow_scripts/score_transfer.py"


rule compare_transfer:
    input:
        scores=transfer_scores,
    output:
        table="results/transfer/{transfer}.csv",
    log:
        "results/transfer/logs/compare_transfer/{transfer}.log",
    benchmark:
        "results/transfer/benchmarks/compare_transfer/{transfer}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("compare_transfer"),
        runtime=minutes("compare_transfer"),
    params:
        settings=lambda wildcards: write_canonical(
            {"rows": describe_transfer(wildcards.transfer, CONFIG, ends(wildcards.transfer))[0], "bootstrap_seed": 0}
        ),
        code=code("compare_transfer"),
    message:
        "Comparing what taught the models of {wildcards.transfer}"
    script:
        "../workflow_scripts/compare_transfer.py"


rule draw_transfer:
    input:
        table="results/transfer/{transfer}.csv",
    output:
        figure="results/transfer/figures/{transfer}.png",
        data="results/transfer/figures/{transfer}.csv",
    log:
        "results/transfer/logs/draw_transfer/{transfer}.log",
    benchmark:
        "results/transfer/benchmarks/draw_transfer/{transfer}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_transfer"),
        runtime=minutes("draw_transfer"),
    params:
        settings="{}",
        code=code("draw_transfer"),
    message:
        "Drawing the transfer {wildcards.transfer}"
    script:
        "../workflow_scripts/draw_transfer.py"
