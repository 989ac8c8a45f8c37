if SIMULATED:

    rule check_simulation:
        input:
            models=first_models,
            images=all_images,
            masks=all_masks,
            weak=first_weak,
            registrations=first_registrations,
            table="results/{region}/experiments.csv",
            truth="results/{region}/inputs/truth.tif",
        output:
            table="results/{region}/truth_check.csv",
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
            mem_mb=memory("check_simulation"),
            runtime=minutes("check_simulation"),
        params:
            settings=lambda wildcards: write_canonical(truth_settings(wildcards)),
            code=code("check_simulation"),
        message:
            "Checking the scores of {wildcards.region} against its truth"
        script:
            "../workflow_scripts/check_simulation.py"


rule draw_audit:
    input:
        table=drawn_audit_table,
        summary=drawn_audit_summary,
    output:
        figure="results/{region}/figures/audit_{audit}.png",
        data="results/{region}/figures/audit_{audit}.csv",
    log:
        "results/{region}/logs/draw_audit/{audit}.log",
    benchmark:
        "results/{region}/benchmarks/draw_audit/{audit}.tsv"
    wildcard_constraints:
        audit=r"[A-Za-z0-9_]+",
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_audit"),
        runtime=minutes("draw_audit"),
    params:
        settings="{}",
        code=code("draw_audit"),
    message:
        "Drawing the audit {wildcards.audit} of {wildcards.region}"
    script:
        "../workflow_scripts/draw_audit.py"


rule describe_run:
    input:
        run_inputs,
    output:
        run="results/run.json",
    log:
        "results/logs/describe_run.log",
    benchmark:
        "results/benchmarks/describe_run.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("describe_run"),
        runtime=minutes("describe_run"),
    params:
        settings=lambda wildcards: write_canonical(
            {"regions": REGIONS, "config": CONFIG.model_dump(mode="json", exclude_defaults=True, exclude={"report"})}
        ),
        code=code("describe_run"),
    message:
        "Writing down what was run"
    script:
        "../workflow_scripts/describe_run.py"


rule build_report:
    input:
        report_inputs,
    output:
        report=report("results/report.html", category="Report"),
    log:
        "results/logs/build_report.log",
    benchmark:
        "results/benchmarks/build_report.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("build_report"),
        runtime=minutes("build_report"),
    params:
        settings=lambda wildcards: write_canonical(report_settings(wildcards)),
        code=code("build_report", "cropmine/reporting/templates"),
    message:
        "Writing the report"
    script:
        "../workflow_scripts/build_report.py"


rule keep_run:
    input:
        run="results/run.json",
    output:
        pointer="results/kept.json",
    log:
        "results/logs/keep_run.log",
    benchmark:
        "results/benchmarks/keep_run.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("keep_run"),
        runtime=minutes("keep_run"),
    params:
        settings=write_canonical({"run": CONFIG.map.run, "regions": REGIONS}),
        code=code("keep_run"),
    message:
        "Keeping the run under its name"
    script:
        "../workflow_scripts/keep_run.py"
