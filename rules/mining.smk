rule fit_codebook:
    input:
        images=training_images,
        masks=training_masks,
        verdict=verdict,
    output:
        codebook=paths.CODEBOOK,
    log:
        "results/{region}/logs/fit_codebook/{segmentation}.log",
    benchmark:
        "results/{region}/benchmarks/fit_codebook/{segmentation}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=fit_codebook_settings,
        code=code("fit_codebook", by_name=segmentation_method),
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
        fitted=segment_tile_fitted,
        checked=checked,
    output:
        segments=paths.SEGMENTS,
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
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=segment_tile_settings,
        code=code("segment_tile", by_name=segmentation_method),
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
            fitted=segment_deep_fitted,
            checked=checked,
        output:
            segments=paths.SEGMENTS,
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
            mem_mb=memory,
            runtime=minutes,
        params:
            settings=segment_deep_settings,
            code=code("segment_tile", by_name=segmentation_method),
        message:
            "Segmenting {wildcards.tile} of {wildcards.region} by the features of a network, {wildcards.segmentation}"
        script:
            "../workflow_scripts/segment_tile.py"


rule measure_shift:
    input:
        segments=paths.SEGMENTS,
        weak=weak_path,
        other=measure_shift_other,
    output:
        surfaces=paths.SHIFTS,
    log:
        "results/{region}/logs/measure_shift/{segmentation}/{weak}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/measure_shift/{segmentation}/{weak}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=measure_shift_settings,
        code=code("measure_shift"),
    message:
        "Measuring how {wildcards.weak} is shifted against the segments of {wildcards.tile} of {wildcards.region}"
    script:
        "../workflow_scripts/measure_shift.py"


checkpoint register_weak:
    input:
        surfaces=register_weak_surfaces,
    output:
        shift=paths.REGISTRATION,
        evidence=paths.REGISTRATION_EVIDENCE,
    log:
        "results/{region}/logs/register_weak/{segmentation}/{weak}.log",
    benchmark:
        "results/{region}/benchmarks/register_weak/{segmentation}/{weak}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=register_weak_settings,
        code=code("register_weak"),
    message:
        "Registering {wildcards.weak} by the segments {wildcards.segmentation} of {wildcards.region}"
    script:
        "../workflow_scripts/register_weak.py"


rule overlap_tile:
    input:
        segments=paths.SEGMENTS,
        weak=weak_path,
        registrations=overlap_registrations,
    output:
        overlap=paths.OVERLAP,
    log:
        "results/{region}/logs/overlap_tile/{segmentation}/{weak}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/overlap_tile/{segmentation}/{weak}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=overlap_tile_settings,
        code=code("overlap_tile"),
    message:
        "Overlapping the segments of {wildcards.tile} of {wildcards.region} with {wildcards.weak}"
    script:
        "../workflow_scripts/overlap_tile.py"


rule mine_polygons:
    input:
        segments=paths.SEGMENTS,
        overlap=paths.OVERLAP,
    output:
        polygons=paths.MINED,
    log:
        "results/{region}/logs/mine_polygons/{segmentation}/{weak}/{thresholds}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/mine_polygons/{segmentation}/{weak}/{thresholds}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=mine_polygons_settings,
        code=code("mine_polygons"),
    message:
        "Drawing the mined polygons of {wildcards.tile} of {wildcards.region} at {wildcards.thresholds}"
    script:
        "../workflow_scripts/mine_polygons.py"


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
        mask=paths.MASK,
    log:
        "results/{region}/logs/mask_tile/{fold}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/mask_tile/{fold}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=mask_tile_settings,
        code=code("mask_tile"),
    message:
        "Marking where labels of {wildcards.tile} of {wildcards.region} may train, {wildcards.fold}"
    script:
        "../workflow_scripts/mask_tile.py"


rule burn_target:
    input:
        mask=burn_target_mask,
        labels=burn_target_labels,
        segments=burn_target_segments,
        overlap=burn_target_overlap,
        weak=burn_target_weak,
        registrations=burn_target_registrations,
    output:
        target=paths.TARGET,
    log:
        "results/{region}/logs/burn_target/{recipe}/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/burn_target/{recipe}/{tile}.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=burn_target_settings,
        code=code("burn_target"),
    message:
        "Burning the target of {wildcards.tile} of {wildcards.region} by {wildcards.recipe}"
    script:
        "../workflow_scripts/burn_target.py"
