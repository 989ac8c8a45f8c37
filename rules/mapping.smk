rule map_tile:
    input:
        models=selected_models,
        images=tile_images,
        masks=tile_masks,
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
        mem_mb=4000,
        runtime=120,
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
        mem_mb=2000,
        runtime=60,
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
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda wildcards: write_canonical({"id_field": plan(wildcards.region).region.units.id_field}),
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
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda wildcards: write_canonical(split_settings(wildcards.region, None)),
        code=code("score_map"),
    message:
        "Scoring the delivered map of {wildcards.region}"
    script:
        "../workflow_scripts/score_map.py"
