rule draw_audit:
    input:
        unpack(draw_audit_inputs),
    output:
        figure=paths.AUDIT_FIGURE,
        data=paths.AUDIT_DRAWN,
    log:
        "results/{region}/logs/draw_audit/{audit}.log",
    benchmark:
        "results/{region}/benchmarks/draw_audit/{audit}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code("draw_audit"),
    message:
        "Drawing the audit {wildcards.audit} of {wildcards.region}"
    script:
        "../workflow_scripts/draw_audit.py"


rule draw_sweep:
    input:
        table=paths.SWEEP,
    output:
        figure=paths.SWEEP_FIGURE,
        data=paths.SWEEP_DRAWN,
    log:
        "results/{region}/logs/draw_sweep/{sweep}.log",
    benchmark:
        "results/{region}/benchmarks/draw_sweep/{sweep}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=draw_sweep_settings,
        code=code("draw_sweep"),
    message:
        "Drawing the sweep {wildcards.sweep} of {wildcards.region}"
    script:
        "../workflow_scripts/draw_sweep.py"


rule draw_transfer:
    input:
        table=paths.TRANSFER,
    output:
        figure=paths.TRANSFER_FIGURE,
        data=paths.TRANSFER_DRAWN,
    log:
        "results/transfer/logs/draw_transfer/{transfer}.log",
    benchmark:
        "results/transfer/benchmarks/draw_transfer/{transfer}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code("draw_transfer"),
    message:
        "Drawing the transfer {wildcards.transfer}"
    script:
        "../workflow_scripts/draw_transfer.py"


rule write_card:
    input:
        experiments=paths.EXPERIMENTS,
        selected=choice,
        map_scores=paths.MAP_SCORES,
        area=paths.AREA,
        splits=paths.SPLITS,
        checks=paths.CHECKS,
        weights=write_card_weights,
        accuracy=write_card_accuracy,
    output:
        card=report(paths.CARD, category="Report"),
    log:
        "results/{region}/logs/write_card.log",
    benchmark:
        "results/{region}/benchmarks/write_card.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=write_card_settings,
        code=code("write_card", "cropmine/reporting/templates"),
    message:
        "Writing the model card of {wildcards.region}"
    script:
        "../workflow_scripts/write_card.py"


rule describe_run:
    input:
        describe_run_inputs,
    output:
        run=paths.RUN,
    log:
        "results/logs/describe_run.log",
    benchmark:
        "results/benchmarks/describe_run.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=describe_run_settings,
        code=code("describe_run"),
    message:
        "Recording what was run"
    script:
        "../workflow_scripts/describe_run.py"


rule build_report:
    input:
        build_report_inputs,
    output:
        report=report(paths.REPORT, category="Report"),
    log:
        "results/logs/build_report.log",
    benchmark:
        "results/benchmarks/build_report.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=build_report_settings,
        code=code("build_report", "cropmine/reporting/templates"),
    message:
        "Writing the report"
    script:
        "../workflow_scripts/build_report.py"


rule keep_run:
    input:
        run=paths.RUN,
    output:
        pointer=paths.KEPT,
    log:
        "results/logs/keep_run.log",
    benchmark:
        "results/benchmarks/keep_run.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=keep_run_settings,
        code=code("keep_run"),
    message:
        "Keeping the run under its name"
    script:
        "../workflow_scripts/keep_run.py"
