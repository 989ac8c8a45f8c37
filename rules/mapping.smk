checkpoint check_model:
    input:
        model=foreign_model,
        images=all_images,
        masks=all_masks,
        verdict=paths.CHECKS,
    output:
        verdict=paths.MODEL_CHECK,
    log:
        "results/{region}/logs/check_model.log",
    benchmark:
        "results/{region}/benchmarks/check_model.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=check_model_settings,
        code=code("check_model", by_name=readers_of(foreign_model)),
    message:
        "Checking whether the model from elsewhere fits the imagery of {wildcards.region}"
    script:
        "../workflow_scripts/check_model.py"


rule choose_model:
    input:
        model=choose_model_model,
    output:
        model=paths.CHOSEN_MODEL,
    log:
        "results/{region}/logs/choose_model/{run}.{kind}.log",
    benchmark:
        "results/{region}/benchmarks/choose_model/{run}.{kind}.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        code=code("choose_model"),
    message:
        "Copying the selected model of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/choose_model.py"


rule map_tile:
    input:
        checked=map_tile_verdict,
        models=map_tile_models,
        images=map_tile_images,
        masks=map_tile_masks,
        features=map_tile_features,
        weak=map_tile_weak,
        registrations=map_tile_registrations,
        segments=map_tile_segments,
        overlaps=map_tile_overlaps,
        area=area,
        excludes=excludes,
    output:
        map=paths.MAP,
    log:
        "results/{region}/logs/map_tile/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/map_tile/{tile}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=map_tile_settings,
        code=code("map_tile", by_name=readers_of(map_tile_models)),
    message:
        "Mapping {wildcards.tile} of {wildcards.region}"
    script:
        "../workflow_scripts/map_tile.py"


rule build_mosaic:
    input:
        maps=map_tiles,
        selected=choice,
    output:
        mosaic=paths.MOSAIC,
        area=paths.AREA,
    log:
        "results/{region}/logs/build_mosaic.log",
    benchmark:
        "results/{region}/benchmarks/build_mosaic.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=build_mosaic_settings,
        code=code("build_mosaic"),
    message:
        "Joining the map of {wildcards.region}"
    script:
        "../workflow_scripts/build_mosaic.py"


rule measure_units:
    input:
        maps=map_tiles,
        selected=choice,
        units=unit_path,
    output:
        table=paths.UNIT_AREAS,
        layer=paths.UNIT_LAYER,
    log:
        "results/{region}/logs/measure_units.log",
    benchmark:
        "results/{region}/benchmarks/measure_units.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=measure_units_settings,
        code=code("measure_units"),
    message:
        "Counting the hectares of {wildcards.region} by unit"
    script:
        "../workflow_scripts/measure_units.py"


rule deliver_map:
    input:
        mosaic=paths.MOSAIC,
        maps=map_tiles,
        selected=choice,
    output:
        collection=paths.DELIVERY,
    log:
        "results/{region}/logs/deliver_map.log",
    benchmark:
        "results/{region}/benchmarks/deliver_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=deliver_map_settings,
        code=code("deliver_map", "cropmine/mapping/templates"),
    message:
        "Writing the map products of {wildcards.region}: GeoTIFFs, polygons, STAC"
    script:
        "../workflow_scripts/deliver_map.py"


rule draw_project:
    input:
        delivery=paths.DELIVERY,
        selected=choice,
        images=draw_project_images,
        targets=draw_project_targets,
        mined=draw_project_mined,
        labels=split_table,
        weak=weak_paths,
        area=area,
        units=draw_project_units,
    output:
        project=paths.PROJECT,
    log:
        "results/{region}/logs/draw_project.log",
    benchmark:
        "results/{region}/benchmarks/draw_project.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=draw_project_settings,
        code=code("draw_project", "cropmine/mapping/templates"),
    message:
        "Writing a QGIS project of {wildcards.region}"
    script:
        "../workflow_scripts/draw_project.py"


rule design_sample:
    input:
        delivery=paths.DELIVERY,
        selected=choice,
    output:
        pointer=paths.SAMPLE,
    log:
        "results/{region}/logs/design_sample.log",
    benchmark:
        "results/{region}/benchmarks/design_sample.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=design_sample_settings,
        code=code("design_sample"),
    message:
        "Drawing a probability sample of the map of {wildcards.region}"
    script:
        "../workflow_scripts/design_sample.py"


rule assess_map:
    input:
        maps=map_tiles,
        selected=choice,
        sample=sample_file,
        design=sample_design,
    output:
        table=paths.ACCURACY,
    log:
        "results/{region}/logs/assess_map.log",
    benchmark:
        "results/{region}/benchmarks/assess_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=assess_map_settings,
        code=code("assess_map"),
    message:
        "Assessing the map of {wildcards.region} by its probability sample"
    script:
        "../workflow_scripts/assess_map.py"


rule assess_units:
    input:
        units=unit_path,
        sample=sample_file,
        design=sample_design,
    output:
        table=paths.UNIT_ACCURACY,
    log:
        "results/{region}/logs/assess_units.log",
    benchmark:
        "results/{region}/benchmarks/assess_units.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=assess_units_settings,
        code=code("assess_units"),
    message:
        "Estimating the area of cropland in the units of {wildcards.region}"
    script:
        "../workflow_scripts/assess_units.py"


rule suggest_labels:
    input:
        maps=map_tiles,
        selected=choice,
        weak=first_weak,
        splits=suggest_labels_splits,
    output:
        suggestions=paths.SUGGESTIONS,
    log:
        "results/{region}/logs/suggest_labels.log",
    benchmark:
        "results/{region}/benchmarks/suggest_labels.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        settings=suggest_labels_settings,
        code=code("suggest_labels"),
    message:
        "Suggesting where to label next in {wildcards.region}"
    script:
        "../workflow_scripts/suggest_labels.py"
