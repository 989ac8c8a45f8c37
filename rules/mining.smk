rule fit_codebook:
    input:
        images=training_images,
        masks=training_masks,
        verdict=verdict,
    output:
        codebook="results/{region}/codebooks/{segmentation}.json",
    log:
        "results/{region}/logs/fit_codebook/{segmentation}.log",
    benchmark:
        "results/{region}/benchmarks/fit_codebook/{segmentation}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("fit_codebook"),
        runtime=minutes("fit_codebook"),
    params:
        settings=lambda wildcards: write_canonical(
            tiles_settings(wildcards.region, plan(wildcards.region).training_tiles)
            | {"segmentation": segmentation_settings(wildcards.segmentation)}
        ),
        code=code("fit_codebook"),
    message:
        "Fitting the codebook {wildcards.segmentation} of {wildcards.region}"
    script:
        "../workflow_scripts/fit_codebook.py"


rule segment_tile:
    input:
        images=tile_images,
        masks=tile_masks,
        area=area,
        excludes=excludes,
        codebook=codebook,
        checked=checked,
    output:
        segments="results/{region}/segments/{segmentation}/{tile}.tif",
    log:
        "results/{region}/logs/segment_tile/{segmentation}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/segment_tile/{segmentation}/{tile}.tsv"
    wildcard_constraints:
        segmentation="|".join(SHALLOW) or "none",
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("segment_tile"),
        runtime=minutes("segment_tile"),
    params:
        settings=lambda wildcards: write_canonical(
            tile_settings(wildcards) | {"segmentation": segmentation_settings(wildcards.segmentation)}
        ),
        code=code("segment_tile"),
    message:
        "Segmenting {wildcards.tile} of {wildcards.region} by {wildcards.segmentation}"
    script:
        "../workflow_scripts/segment_tile.py"


if DEEP:

    rule segment_deep:
        input:
            images=tile_images,
            masks=tile_masks,
            area=area,
            excludes=excludes,
            model=deep_model,
            checked=checked,
        output:
            segments="results/{region}/segments/{segmentation}/{tile}.tif",
        log:
            "results/{region}/logs/segment_deep/{segmentation}/{tile}.log",
        benchmark:
            "results/{region}/benchmarks/segment_deep/{segmentation}/{tile}.tsv"
        wildcard_constraints:
            segmentation="|".join(DEEP),
        conda:
            "../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=memory("segment_deep"),
            runtime=minutes("segment_deep"),
        params:
            settings=lambda wildcards: write_canonical(
                tile_settings(wildcards) | {"segmentation": segmentation_settings(wildcards.segmentation)}
            ),
            code=code("segment_deep"),
        message:
            "Segmenting {wildcards.tile} of {wildcards.region} by the features of a network, {wildcards.segmentation}"
        script:
            "../workflow_scripts/segment_deep.py"


rule measure_shift:
    input:
        segments="results/{region}/segments/{segmentation}/{tile}.tif",
        weak=weak_path,
        other=other_image,
    output:
        surfaces="results/{region}/shifts/{segmentation}/{weak}/{tile}.npz",
    log:
        "results/{region}/logs/measure_shift/{segmentation}/{weak}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/measure_shift/{segmentation}/{weak}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("measure_shift"),
        runtime=minutes("measure_shift"),
    params:
        settings=lambda wildcards: write_canonical({"weak": shift_settings(wildcards)}),
        code=code("measure_shift"),
    message:
        "Measuring how {wildcards.weak} is shifted against the segments of {wildcards.tile} of {wildcards.region}"
    script:
        "../workflow_scripts/measure_shift.py"


checkpoint register_weak:
    input:
        surfaces=measured_shifts,
    output:
        shift="results/{region}/registrations/{segmentation}/{weak}.json",
        evidence="results/{region}/registrations/{segmentation}/{weak}.surfaces.json",
    log:
        "results/{region}/logs/register_weak/{segmentation}/{weak}.log",
    benchmark:
        "results/{region}/benchmarks/register_weak/{segmentation}/{weak}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("register_weak"),
        runtime=minutes("register_weak"),
    params:
        settings=lambda wildcards: write_canonical({"tiles": plan(wildcards.region).registration_tiles}),
        code=code("register_weak"),
    message:
        "Registering {wildcards.weak} by the segments {wildcards.segmentation} of {wildcards.region}"
    script:
        "../workflow_scripts/register_weak.py"


rule overlap_tile:
    input:
        segments="results/{region}/segments/{segmentation}/{tile}.tif",
        weak=weak_path,
        registrations=overlap_registrations,
    output:
        overlap="results/{region}/overlaps/{segmentation}/{weak}/{tile}.parquet",
    log:
        "results/{region}/logs/overlap_tile/{segmentation}/{weak}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/overlap_tile/{segmentation}/{weak}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("overlap_tile"),
        runtime=minutes("overlap_tile"),
    params:
        settings=lambda wildcards: write_canonical({"weak": weak_settings(wildcards.region, wildcards.weak)}),
        code=code("overlap_tile"),
    message:
        "Overlapping the segments of {wildcards.tile} of {wildcards.region} with {wildcards.weak}"
    script:
        "../workflow_scripts/overlap_tile.py"


rule mine_polygons:
    input:
        segments="results/{region}/segments/{segmentation}/{tile}.tif",
        overlap="results/{region}/overlaps/{segmentation}/{weak}/{tile}.parquet",
    output:
        polygons="results/{region}/mined/{segmentation}/{weak}/{thresholds}/{tile}.parquet",
    log:
        "results/{region}/logs/mine_polygons/{segmentation}/{weak}/{thresholds}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/mine_polygons/{segmentation}/{weak}/{thresholds}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("mine_polygons"),
        runtime=minutes("mine_polygons"),
    params:
        settings=lambda wildcards: write_canonical(mined_settings(wildcards)),
        code=code("mine_polygons"),
    message:
        "Drawing the mined polygons of {wildcards.tile} of {wildcards.region} at {wildcards.thresholds}"
    script:
        "../workflow_scripts/mine_polygons.py"


rule audit_labels:
    input:
        segments=audit_segments,
        overlaps=audit_overlaps,
        masks=audit_masks,
        weak=weak_path,
        registrations=overlap_registrations,
        labels="results/{region}/labels/labels.parquet",
        training_labels=weak_training_labels,
    output:
        table="results/{region}/audits/{segmentation}/{weak}.parquet",
        summary="results/{region}/audits/{segmentation}/{weak}.json",
    log:
        "results/{region}/logs/audit_labels/{segmentation}/{weak}.log",
    benchmark:
        "results/{region}/benchmarks/audit_labels/{segmentation}/{weak}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("audit_labels"),
        runtime=minutes("audit_labels"),
    params:
        settings=lambda wildcards: write_canonical(audit_settings(wildcards)),
        code=code("audit_labels"),
    message:
        "Auditing the labels that {wildcards.segmentation} mines from {wildcards.weak} in {wildcards.region}"
    script:
        "../workflow_scripts/audit_labels.py"
