"""Labels of many kinds of files come out alike, and what can't be used is refused with its reason."""

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.transform import from_origin

from cropmine.config.regions import LabelFiles, Labels
from cropmine.errors import CropmineError
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import GEOD, Grid
from cropmine.inputs.labels import log_note, read_labels

FIELDS = shapely.box([36.8, 36.82, 36.84], -1.0, [36.81, 36.83, 36.85], -0.99)


def make_file(path, values=("crop", "other", "fallow"), geometries=FIELDS, crs="EPSG:4326", **more):
    frame = geopandas.GeoDataFrame({"kind": list(values), **more}, geometry=list(geometries), crs="EPSG:4326")
    frame = frame.to_crs(crs) if crs else frame.set_crs(None, allow_override=True)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return str(path)


def read(*paths, split_field=None, note=log_note, **more):
    named = {"cropland": ["crop"], "noncropland": ["other"], "ignore": ["fallow"]} | more
    labels = Labels(path=paths, class_field="kind", definition="annual crops", **named)
    return read_labels(labels, paths, split_field, note=note)


def test_every_format_gives_the_same_labels(tmp_path):
    for name in ("a.gpkg", "b.geojson", "c.parquet", "d.shp"):
        table = read(make_file(tmp_path / name))
        assert table["label"].tolist() == [0, 1] and table["target"].tolist() == [1, 0]
        assert table["label"].dtype == np.int64 and table["target"].dtype == np.uint8 and table.crs.to_epsg() == 4326
        np.testing.assert_allclose(table.total_bounds, (36.8, -1, 36.83, -0.99), atol=1e-9)


def test_files_in_several_crs_lie_in_one_place_and_ids_run_on(tmp_path):
    paths = [make_file(tmp_path / f"{code}.gpkg", crs=f"EPSG:{code}") for code in (4326, 32737, 3857)]
    table = read(*paths)
    assert table["label"].tolist() == [0, 1, 3, 4, 6, 7] and table.index.tolist() == list(range(6))
    assert table["file"].tolist() == [paths[0]] * 2 + [paths[1]] * 2 + [paths[2]] * 2
    for _, same in table.groupby(table["label"] % 3):
        polygons = same.geometry.to_numpy()
        assert (shapely.area(polygons ^ polygons[0]) < 1e-4 * shapely.area(polygons[0])).all()


@pytest.mark.parametrize("stored", [[1, 0], [1.0, 0.0], ["1", "0"], ["1.0", " 0 "], [True, False]])
@pytest.mark.parametrize("configured", [(1, 0), (1.0, 0.0), ("1", "0")])
def test_class_values_are_compared_as_text(tmp_path, stored, configured):
    path = make_file(tmp_path / "a.geojson", stored, FIELDS[:2])
    table = read(path, cropland=[configured[0]], noncropland=[configured[1]])
    assert table["target"].tolist() == [1, 0]


def test_an_unknown_class_value_is_refused_with_its_count(tmp_path):
    path = make_file(tmp_path / "a.gpkg", ("Other", "wood", "Other"))
    what = r"a\.gpkg: the field 'kind' holds class values that aren't known: 'Other' \(2 rows\), 'wood' \(1 rows\)\."
    with pytest.raises(
        CropmineError, match=f"{what} Hint: name it under cropland, noncropland or ignore; did you mean"
    ):
        read(path)


def test_a_row_without_class_is_refused_unless_the_empty_text_is_ignored(tmp_path):
    path = make_file(tmp_path / "a.gpkg", ("crop", "other", None))
    with pytest.raises(CropmineError, match=r"'' \(1 rows\)"):
        read(path)
    assert len(read(path, ignore=[""])) == 2


def test_a_value_named_for_two_classes_is_refused(tmp_path):
    with pytest.raises(
        CropmineError, match=r"^labels\.ignore: the class value 'crop' is named for another class, too\.$"
    ):
        read(make_file(tmp_path / "a.gpkg"), ignore=["crop", "fallow"])


def test_a_missing_field_is_refused_with_those_that_are_there(tmp_path):
    path = make_file(tmp_path / "a.gpkg", Class=[1, 2, 3])
    labels = Labels(path=path, class_field="class", cropland=1, noncropland=2, definition="annual crops")
    told = r"a\.gpkg: there is no field 'class'; its fields: kind, Class\. Hint: did you mean 'Class'\.$"
    with pytest.raises(CropmineError, match=told):
        read_labels(labels, [path])
    bare = tmp_path / "bare.gpkg"
    geopandas.GeoDataFrame(geometry=FIELDS, crs="EPSG:4326").to_file(bare)
    with pytest.raises(CropmineError, match=r"bare\.gpkg: there is no field 'class'; its fields: none\.$"):
        read_labels(labels, [bare])


def test_files_that_cannot_be_used_are_refused(tmp_path):
    make_file(tmp_path / "labels.gpkg")
    with pytest.raises(CropmineError, match=r"labls\.gpkg: no such file\. Hint: \S+/ has labels\.gpkg\.$"):
        read(str(tmp_path / "labls.gpkg"))
    with pytest.raises(CropmineError, match=r"elsewhere\.shp: no such file\.$"):
        read(str(tmp_path / "elsewhere.shp"))
    with pytest.raises(
        CropmineError, match=r"shp: the file has no CRS\. Hint: write it with one, such as EPSG:4326\.$"
    ):
        read(make_file(tmp_path / "nowhere.shp", crs=None))
    for name in ("text.gpkg", "text.parquet"):
        (tmp_path / name).write_text("not a vector file")
        with pytest.raises(CropmineError, match="not a readable vector file"):
            read(str(tmp_path / name))
    fallow = [make_file(tmp_path / f"{name}.gpkg", ["fallow"] * 3) for name in "ab"]
    nothing = r"a\.gpkg, .*b\.gpkg: no label is left to work with\. Hint: see the log for what was dropped\.$"
    with pytest.raises(CropmineError, match=nothing):
        read(*fallow)
    mixed = [shapely.LineString([(0, 0), (1, 1)]), shapely.MultiPoint([(0, 0), (1, 1)]), FIELDS[0]]
    others = r"mixed\.geojson: labels are polygons or points, but there is LineString, MultiPoint\.$"
    with pytest.raises(CropmineError, match=others):
        read(make_file(tmp_path / "mixed.geojson", ["crop"] * 3, mixed))


def test_files_of_several_layers_or_of_none_with_geometries_are_refused(tmp_path):
    path = make_file(tmp_path / "a.gpkg")
    geopandas.read_file(path).to_file(path, layer="more")
    told = r"a\.gpkg: holds several layers: a, more\. Hint: keep one layer a file\.$"
    with pytest.raises(CropmineError, match=told):
        read(path)
    pyogrio.write_dataframe(pd.DataFrame({"kind": ["crop"]}), tmp_path / "table.gpkg")
    hint = r"Hint: write polygons or points into it\.$"
    with pytest.raises(CropmineError, match=rf"table\.gpkg: holds no geometries\. {hint}"):
        read(str(tmp_path / "table.gpkg"))


def test_a_table_before_the_layer_of_labels_is_no_layer_of_theirs(tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"note": ["by hand"]}), path, layer="notes")
    frame = geopandas.GeoDataFrame({"kind": ["crop"]}, geometry=FIELDS[:1], crs="EPSG:4326")
    pyogrio.write_dataframe(frame, path, layer="fields", append=True)
    assert read(str(path))["target"].tolist() == [1]


def test_where_a_label_comes_from_is_read(tmp_path):
    told = ["suggested", " suggested ", None]
    table = read(make_file(tmp_path / "a.gpkg", ["crop"] * 3, origin=told), make_file(tmp_path / "b.gpkg"))
    assert table["origin"].tolist() == ["suggested", "suggested", "drawn", "drawn", "drawn"]


def test_an_outline_of_too_many_corners_is_refused_by_name(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 200_002)
    outline = shapely.Polygon(np.column_stack([36 + 0.1 * np.cos(angles), 0.1 * np.sin(angles)]))
    with pytest.raises(CropmineError, match=r"a\.parquet: .*200,?000"):
        read(make_file(tmp_path / "a.parquet", ["crop"], [outline]))


def test_labels_may_reach_the_ends_of_the_earth_and_no_further(tmp_path):
    ends = shapely.box([-180, 179, -1, -1], [0, 0, -90, 89], [-179, 180, 0, 0], [1, 1, -89, 90])
    table = read(make_file(tmp_path / "a.gpkg", ["crop"] * 4, ends))
    assert table.geometry.geom_equals(geopandas.GeoSeries(ends, crs=4326)).all()
    for number, (west, south) in enumerate([(-180.5, 0), (179.5, 0), (0, -90.5), (0, 89.5)]):
        path = make_file(tmp_path / f"{number}.gpkg", ["crop"], [shapely.box(west, south, west + 1, south + 1)])
        with pytest.raises(CropmineError, match=rf"{number}\.gpkg: 1 labels aren't within"):
            read(path)
    assert len(read(make_file(tmp_path / "half.gpkg", ["crop"], [shapely.box(-90, 0, 90, 1)]))) == 1
    wide = make_file(tmp_path / "wide.gpkg", ["crop"], [shapely.box(-90, 0, 90.5, 1)])
    told = r"wide\.gpkg: a label is wider than half of the earth\. Hint: cut what crosses the antimeridian\.$"
    with pytest.raises(CropmineError, match=told):
        read(wide)


def test_long_edges_stay_straight_in_the_crs_that_they_were_drawn_in(tmp_path):
    """200 km to the east in UTM, 17 m off the line from corner to corner in longitude and latitude."""
    drawn = shapely.box(300_000, 9_800_000, 500_000, 9_801_000)
    frame = geopandas.GeoDataFrame({"kind": ["crop"]}, geometry=[drawn], crs="EPSG:32737")
    frame.to_parquet(tmp_path / "a.parquet")
    found = read(str(tmp_path / "a.parquet")).geometry.to_crs("EPSG:32737").item()
    assert shapely.hausdorff_distance(shapely.segmentize(drawn, 500), shapely.segmentize(found, 500)) < 0.1
    grid = Grid(CRS.from_epsg(32737), from_origin(290_000, 9_890_000, 100, 100), 2200, 30)
    strip = shapely.box(37.2, -1.01, 39.0, -1.0)
    _, (placed,) = place_on_grid([strip], grid)
    truth = geopandas.GeoSeries([shapely.segmentize(strip, 0.001)], crs="EPSG:4326").to_crs("EPSG:32737").item()
    assert shapely.hausdorff_distance(placed, truth) < 60 and shapely.area(placed ^ truth) < 1e-5 * truth.area


def test_coordinates_that_are_not_on_the_earth_are_refused(tmp_path):
    frame = geopandas.GeoDataFrame({"kind": ["crop"]}, geometry=[shapely.box(4e6, -1e5, 4.1e6, 0)], crs="EPSG:4326")
    frame.to_parquet(tmp_path / "metres.parquet")
    what = r"metres\.parquet: 1 labels aren't within 180 degrees east and west and 90 north and south\."
    with pytest.raises(CropmineError, match=rf"{what} Hint: is its CRS the one that its coordinates are in\? Cut what"):
        read(str(tmp_path / "metres.parquet"))
    with pytest.raises(CropmineError, match=r"edge\.gpkg: 1 labels aren't within .*antimeridian\.$"):
        read(make_file(tmp_path / "edge.gpkg", ["crop"], [shapely.Point(180, -17)]), radius_m=50)


def test_a_crs_that_leads_nowhere_is_refused(tmp_path):
    site = pyproj.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]')
    frame = geopandas.GeoDataFrame({"kind": ["crop"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=site)
    frame.to_parquet(tmp_path / "site.parquet")
    with pytest.raises(CropmineError, match=r"site\.parquet: its CRS can't be turned into longitude and latitude \("):
        read(str(tmp_path / "site.parquet"))


def test_points_become_circles_in_true_metres(tmp_path):
    points = [shapely.Point(10, lat) for lat in (-60, 0.001, 70)]
    path = make_file(tmp_path / "points.gpkg", ["crop"] * 3, points)
    with pytest.raises(
        CropmineError, match=r"points\.gpkg: 3 labels are points\. Hint: give labels\.radius_m, metres\.$"
    ):
        read(path)
    for point, circle in zip(points, read(path, radius_m=30).geometry, strict=True):
        corners = shapely.get_coordinates(circle)
        distances = GEOD.inv(np.full(len(corners), point.x), np.full(len(corners), point.y), *corners.T)[2]
        np.testing.assert_allclose(distances, 30, atol=1e-6)
        azimuths = GEOD.inv(np.full(64, point.x), np.full(64, point.y), *corners[:-1].T)[0]
        np.testing.assert_allclose(azimuths % 360, np.arange(64) * 5.625, atol=1e-3)
        assert abs(GEOD.geometry_area_perimeter(circle)[0]) == pytest.approx(np.pi * 900, rel=2e-3)


def test_broken_polygons_are_repaired_and_missing_ones_dropped(tmp_path, caplog):
    bowtie = shapely.Polygon([(0, 0), (1e-3, 1e-3), (1e-3, 0), (0, 1e-3)])
    flat = shapely.Polygon([(0, 0), (1e-3, 0), (2e-3, 0)])
    solid = shapely.force_3d(shapely.box(1, 1, 1.001, 1.001), 7)
    path = make_file(tmp_path / "a.gpkg", ["crop"] * 4, [None, bowtie, flat, solid])
    with caplog.at_level("INFO", "cropmine.inputs.labels"):
        table = read(path)
    assert [record.getMessage() for record in caplog.records if record.name == "cropmine.inputs.labels"] == [
        f"{path}: 1 rows without a geometry are dropped",
        f"{path}: 2 invalid polygons are repaired, 1 of no area dropped",
        f"{path}: 2 of 4 rows are used",
    ]
    assert table["label"].tolist() == [1, 3]
    assert table.geometry.is_valid.all() and not table.geometry.has_z.any()
    assert table.geometry.iloc[0].area == pytest.approx(0.5e-6)


def test_a_polygon_that_crosses_itself_keeps_its_area_in_a_projected_crs_and_its_repair_is_told(tmp_path):
    bowtie = shapely.Polygon([(36.8, 0), (36.801, 1e-3), (36.801, 0), (36.8, 1e-3)])
    path, told = make_file(tmp_path / "a.gpkg", ["crop"], [bowtie], crs=32737), []
    table = read(path, note=lambda path, what: told.append(what))
    assert table.geometry.item().area == pytest.approx(0.5e-6, rel=1e-3)
    assert told == ["1 invalid polygons are repaired"]


def test_a_split_field_is_read_and_checked(tmp_path):
    parts = ["train", "test", "anything, for it is ignored"]
    table = read(make_file(tmp_path / "a.gpkg", part=parts), split_field="part")
    assert table["split"].tolist() == ["train", "test"]
    wrong = make_file(tmp_path / "b.gpkg", ["crop", "other", "crop"], part=["train", "tests", "anything"])
    what = r"b\.gpkg: the field 'part' holds values that aren't known: 'anything' \(1 rows\), 'tests' \(1 rows\)\."
    with pytest.raises(CropmineError, match=rf"{what} Hint: a label's split is train, validation or test; known"):
        read(wrong, split_field="part")
    with pytest.raises(CropmineError, match=r"'tests' \(1 rows\).*or test; did you mean 'test'\?$"):
        read(make_file(tmp_path / "c.gpkg", part=["train", "tests", "train"]), split_field="part")


def test_files_that_only_test_say_so(tmp_path):
    for name, x in (("train", 36.0), ("test", 36.1)):
        frame = geopandas.GeoDataFrame({"class": ["crop"]}, geometry=[shapely.box(x, 0, x + 0.001, 0.001)], crs=4326)
        frame.to_file(tmp_path / f"{name}.gpkg")
    paths = {"path": [str(tmp_path / "train.gpkg")], "test_path": [str(tmp_path / "test.gpkg")]}
    files = LabelFiles(class_field="class", cropland=["crop"], noncropland=["other"], **paths)
    labels = read_labels(files, files.path, None, files.test_path)
    assert labels["split"].tolist() == ["", "test"] and labels["label"].tolist() == [0, 1]
    part = make_file(tmp_path / "part.gpkg", part=["train", "validation", "train"], **{"class": ["crop"] * 3})
    labels = read_labels(files, [part], "part", files.test_path)
    assert labels["split"].tolist() == ["train", "validation", "train", "test"]
    assert "split" not in read_labels(files, files.path)
