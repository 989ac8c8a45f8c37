checkpoint check_model:
    input:
        model=foreign_model,
        images=all_images,
        masks=all_masks,
        verdict="results/{region}/checks.json",
    output:
        verdict="results/{region}/model_check.json",
    log:
        "results/{region}/logs/check_model.log",
    benchmark:
        "results/{region}/benchmarks/check_model.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory("check_model"),
        runtime=minutes("check_model"),
    params:
        settings=lambda wildcards: write_canonical(tiles_settings(wildcards.region, plan(wildcards.region).tiles)),
        code=code("check_model"),
    message:
        "Checking whether the model from elsewhere fits the imagery of {wildcards.region}"
    script:
        "../workflow_scripts/check_model.py"


rule choose_model:
    input:
        model=selected_model,
    output:
        model="results/{region}/map/models/{run}.{kind}",
    log:
        "results/{region}/logs/choose_model/{run}.{kind}.log",
    benchmark:
        "results/{region}/benchmarks/choose_model/{run}.{kind}.tsv"
    wildcard_constraints:
        kind="ckpt|npz",
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("choose_model"),
        runtime=minutes("choose_model"),
    params:
        settings="{}",
        code=code("choose_model"),
    message:
        "Laying the selected model of {wildcards.region} beside its map, {wildcards.run}"
    script:
        "../workflow_scripts/choose_model.py"


rule map_tile:
    input:
        checked=model_verdict,
        models=selected_models,
        images=seen_images,
        masks=seen_masks,
        features=selected_features,
        area=area,
        excludes=excludes,
    output:
        map="results/{region}/map/{tile}.tif",
    log:
        "results/{region}/logs/map_tile/{tile}.log",
    benchmark:
        "results/{region}/benchmarks/map_tile/{tile}.tsv"
    conda:
        "../envs/train.yaml"
    threads: CONFIG.training.cpu_threads
    resources:
        mem_mb=memory("map_tile"),
        runtime=minutes("map_tile"),
    params:
        settings=lambda wildcards: write_canonical(map_settings(wildcards)),
        code=code("map_tile"),
    message:
        "Mapping {wildcards.tile} of {wildcards.region}"
    script:
        "../workflow_scripts/map_tile.py"


rule build_mosaic:
    input:
        maps=map_tiles,
        selected=choice,
    output:
        mosaic="results/{region}/map/cropland.vrt",
        area="results/{region}/map/area.json",
    log:
        "results/{region}/logs/build_mosaic.log",
    benchmark:
        "results/{region}/benchmarks/build_mosaic.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("build_mosaic"),
        runtime=minutes("build_mosaic"),
    params:
        settings=lambda wildcards: write_canonical(area_settings(wildcards)),
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
        table="results/{region}/map/area_by_unit.csv",
        layer="results/{region}/map/area_by_unit.gpkg",
    log:
        "results/{region}/logs/measure_units.log",
    benchmark:
        "results/{region}/benchmarks/measure_units.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("measure_units"),
        runtime=minutes("measure_units"),
    params:
        settings=lambda wildcards: write_canonical(
            stamp_settings(wildcards.region) | {"id_field": plan(wildcards.region).region.units.id_field}
        ),
        code=code("measure_units"),
    message:
        "Counting the hectares of {wildcards.region} by unit"
    script:
        "../workflow_scripts/measure_units.py"


rule score_map:
    input:
        maps=map_tiles,
        labels=split_table,
        scores=folded_scores,
    output:
        scores="results/{region}/scores/map.json",
    log:
        "results/{region}/logs/score_map.log",
    benchmark:
        "results/{region}/benchmarks/score_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("score_map"),
        runtime=minutes("score_map"),
    params:
        settings=lambda wildcards: write_canonical(map_score_settings(wildcards)),
        code=code("score_map"),
    message:
        "Scoring the delivered map of {wildcards.region}"
    script:
        "../workflow_scripts/score_map.py"


rule deliver_map:
    input:
        mosaic="results/{region}/map/cropland.vrt",
        maps=map_tiles,
        selected=choice,
    output:
        collection="results/{region}/delivery/collection.json",
    log:
        "results/{region}/logs/deliver_map.log",
    benchmark:
        "results/{region}/benchmarks/deliver_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("deliver_map"),
        runtime=minutes("deliver_map"),
    params:
        settings=lambda wildcards: write_canonical(delivery_settings(wildcards)),
        code=code("deliver_map", "cropmine/mapping/templates"),
    message:
        "Writing the map of {wildcards.region} to hand on: GeoTIFFs, patches, STAC"
    script:
        "../workflow_scripts/deliver_map.py"


rule draw_project:
    input:
        delivery="results/{region}/delivery/collection.json",
        selected=choice,
        images=project_images,
        targets=project_targets,
        mined=project_mined,
        labels=split_table,
        weak=weak_paths,
        area=area,
        units=project_units,
    output:
        project="results/{region}/qgis/{region}.qgz",
    log:
        "results/{region}/logs/draw_project.log",
    benchmark:
        "results/{region}/benchmarks/draw_project.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_project"),
        runtime=minutes("draw_project"),
    params:
        settings=lambda wildcards: write_canonical(project_settings(wildcards)),
        code=code("draw_project", "cropmine/mapping/templates"),
    message:
        "Drawing up a QGIS project of {wildcards.region}"
    script:
        "../workflow_scripts/draw_project.py"


rule export_weights:
    input:
        model="results/{region}/models/{recipe}/{model}/{run}/model.ckpt",
    output:
        weights="results/{region}/models/{recipe}/{model}/{run}/model.safetensors",
    log:
        "results/{region}/logs/export_weights/{recipe}/{model}/{run}.log",
    benchmark:
        "results/{region}/benchmarks/export_weights/{recipe}/{model}/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory("export_weights"),
        runtime=minutes("export_weights"),
    params:
        settings="{}",
        code=code("export_weights"),
    message:
        "Exporting the weights of {wildcards.recipe} of {wildcards.region}, {wildcards.run}"
    script:
        "../workflow_scripts/export_weights.py"


rule write_card:
    input:
        experiments="results/{region}/experiments.csv",
        selected=choice,
        map_scores="results/{region}/scores/map.json",
        area="results/{region}/map/area.json",
        splits="results/{region}/labels/splits.csv",
        checks="results/{region}/checks.json",
        weights=card_weights,
        accuracy=card_accuracy,
    output:
        card=report("results/{region}/model_card.md", category="Report"),
    log:
        "results/{region}/logs/write_card.log",
    benchmark:
        "results/{region}/benchmarks/write_card.tsv"
    localrule: True
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("write_card"),
        runtime=minutes("write_card"),
    params:
        settings=lambda wildcards: write_canonical(card_settings(wildcards)),
        code=code("write_card", "cropmine/reporting/templates"),
    message:
        "Writing the model card of {wildcards.region}"
    script:
        "../workflow_scripts/write_card.py"


rule design_sample:
    input:
        delivery="results/{region}/delivery/collection.json",
        selected=choice,
    output:
        pointer="results/{region}/sample.json",
    log:
        "results/{region}/logs/design_sample.log",
    benchmark:
        "results/{region}/benchmarks/design_sample.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("design_sample"),
        runtime=minutes("design_sample"),
    params:
        settings=lambda wildcards: write_canonical(sampling_settings(wildcards)),
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
        table="results/{region}/accuracy.csv",
    log:
        "results/{region}/logs/assess_map.log",
    benchmark:
        "results/{region}/benchmarks/assess_map.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("assess_map"),
        runtime=minutes("assess_map"),
    params:
        settings=lambda wildcards: write_canonical(assessment_settings(wildcards)),
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
        table="results/{region}/accuracy_by_unit.csv",
    log:
        "results/{region}/logs/assess_units.log",
    benchmark:
        "results/{region}/benchmarks/assess_units.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("assess_units"),
        runtime=minutes("assess_units"),
    params:
        settings=lambda wildcards: write_canonical(unit_settings(wildcards)),
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
        splits=split_blocks,
    output:
        suggestions="results/{region}/suggestions.gpkg",
    log:
        "results/{region}/logs/suggest_labels.log",
    benchmark:
        "results/{region}/benchmarks/suggest_labels.tsv"
    conda:
        "../envs/geo.yaml"
    threads: 1
    resources:
        mem_mb=memory("suggest_labels"),
        runtime=minutes("suggest_labels"),
    params:
        settings=lambda wildcards: write_canonical(suggestion_settings(wildcards)),
        code=code("suggest_labels"),
    message:
        "Suggesting where to label next in {wildcards.region}"
    script:
        "../workflow_scripts/suggest_labels.py"
