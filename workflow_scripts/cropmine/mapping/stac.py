"""Catalogues of the delivered map: a STAC collection with its items, and manifests to take it into Earth Engine."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pystac
import shapely
from pyproj import Transformer
from pystac.validation import validate_dict

from cropmine.classes import CLASS_LEGEND, NODATA
from cropmine.geo.grids import read_grid, transform_points
from cropmine.mapping.bands import BANDS, SCALES
from cropmine.mapping.products import KINDS, RASTER_BANDS, Product
from cropmine.mapping.tags import name_product
from cropmine.planning import paths
from cropmine.planning.map_stamps import MapStamp
from cropmine.tables import write_json

COLLECTION = PurePath(paths.DELIVERY).name
ANY_YEAR = (1970, 2100)  # those that a configuration may name
COG_TYPE = pystac.MediaType.COG
PARQUET_TYPE = "application/vnd.apache.parquet"
TITLES = {
    "class": f"Classes: {CLASS_LEGEND}",
    "probability": "Probability, and disagreement of runs",
}
PYRAMIDS = {"class": "MODE", "probability": "MEAN", "disagreement": "MEAN"}
EDGES = 4


def write_catalog(
    folder: str | Path, products: Sequence[Product], polygons: str | Path, stamp: MapStamp, tags: Mapping
) -> list[Path]:
    """Write a STAC collection with an item a CRS, validated, and for each an Earth Engine manifest; gives the files.

    The files are in one folder with the products and name them by relative paths, so it can be moved. Raises
    pystac.STACValidationError if what was written weren't STAC.
    """
    folder, written = Path(folder), []
    items = [_describe_item(crs, own, stamp, tags) for crs, own in _group(products).items()]
    collection = _describe_collection(items, polygons, stamp, tags)
    for item in items:
        item.set_self_href(str(folder / f"{item.id}.json"))
        for relation in (pystac.RelType.COLLECTION, pystac.RelType.PARENT):
            item.add_link(pystac.Link(relation, f"./{COLLECTION}", pystac.MediaType.JSON))
        item.collection_id = collection.id
        collection.add_link(pystac.Link(pystac.RelType.ITEM, f"./{item.id}.json", "application/geo+json"))
    collection.clear_links(pystac.RelType.ROOT)  # an absolute path; the collection is its own root
    collection.set_self_href(str(folder / COLLECTION))
    entries: list[pystac.STACObject] = [collection, *items]
    for name, entry in zip(["collection", *(item.id for item in items)], entries, strict=True):
        written.append(folder / f"{name}.json")
        content = entry.to_dict(include_self_link=False, transform_hrefs=False)
        validate_dict(content)
        write_json(written[-1], content)
    for crs, own in _group(products).items():
        written.append(folder / f"{name_product(stamp, 'earthengine', crs)}.json")
        write_json(written[-1], describe_manifest(own, stamp, tags))
    return written


def _group(products: Sequence[Product]) -> dict[str, list[Product]]:
    groups: dict[str, list[Product]] = {}
    for product in products:
        groups.setdefault(product.crs, []).append(product)
    return groups


def _find_interval(stamp: MapStamp) -> tuple[datetime, datetime]:
    first, last = (stamp.year, stamp.year) if stamp.year else ANY_YEAR
    return datetime(first, 1, 1, tzinfo=UTC), datetime(last, 12, 31, 23, 59, 59, tzinfo=UTC)


def _describe_item(crs: str, products: Sequence[Product], stamp: MapStamp, tags: Mapping) -> pystac.Item:
    grid = read_grid(products[0].path)
    outline = shapely.segmentize(shapely.box(*grid.bounds), (grid.bounds[2] - grid.bounds[0]) / EDGES)
    to_lonlat = Transformer.from_crs(grid.pyproj_crs, "EPSG:4326", always_xy=True)
    lonlat = shapely.transform(outline, transform_points(to_lonlat))
    start, end = _find_interval(stamp)
    properties = {"title": f"Cropland of {stamp.region}", "cropmine:crs": grid.crs.to_string()}
    item = pystac.Item(
        id=name_product(stamp, "cropland", crs),
        geometry=json.loads(shapely.to_geojson(lonlat)),
        bbox=list(lonlat.bounds),
        datetime=None,
        start_datetime=start,
        end_datetime=end,
        properties=properties | _spell_tags(tags),
    )
    for product in products:
        bands = [
            {
                "name": RASTER_BANDS[band],
                "description": BANDS[band - 1],
                "data_type": "uint8",
                "nodata": NODATA,
                "cropmine:scale": SCALES[band - 1],
                "cropmine:offset": 0,
            }
            for band in KINDS[product.kind]
        ]
        asset = pystac.Asset(f"./{product.path.name}", TITLES[product.kind], None, COG_TYPE, ["data"], {"bands": bands})
        item.add_asset(product.kind, asset)
    return item


def _describe_collection(
    items: Sequence[pystac.Item], polygons: str | Path, stamp: MapStamp, tags: Mapping
) -> pystac.Collection:
    boxes = [item.bbox for item in items if item.bbox is not None]
    whole = [min(box[i] for box in boxes) for i in (0, 1)] + [max(box[i] for box in boxes) for i in (2, 3)]
    undated = "" if stamp.year else " The year isn't known: set `year` of the region."
    collection = pystac.Collection(
        id=name_product(stamp, "cropland"),
        title=f"Cropland map of {stamp.region}, {stamp.year or 'undated'}",
        description=f"Cropland here means: {stamp.definition}. Made by cropmine; see the model card.{undated}",
        extent=pystac.Extent(
            pystac.SpatialExtent([whole, *boxes] if len(boxes) > 1 else [whole]),
            pystac.TemporalExtent([list(_find_interval(stamp))]),
        ),
        license="other",
        keywords=["cropland", "land cover"],
        extra_fields=_spell_tags(tags),
    )
    asset = pystac.Asset(f"./{Path(polygons).name}", "Cropland polygons", None, PARQUET_TYPE, ["data"])
    collection.add_asset("polygons", asset)
    return collection


def _spell_tags(tags: Mapping[str, str]) -> dict:
    return {f"cropmine:{key}": json.loads(value) if key == "inputs" else value for key, value in sorted(tags.items())}


def describe_manifest(products: Sequence[Product], stamp: MapStamp, tags: Mapping) -> dict:
    """Describe the manifest by which `earthengine upload image --manifest` takes in the products of one CRS.

    PROJECT and BUCKET are for the user to fill in; https://developers.google.com/earth-engine/guides/image_manifest.
    """
    start, end = _find_interval(stamp)
    bands = [
        {
            "id": RASTER_BANDS[band],
            "tilesetId": product.kind,
            "tilesetBandIndex": place,
            "pyramidingPolicy": PYRAMIDS[RASTER_BANDS[band]],
            "missingData": {"values": [NODATA]},
        }
        for product in products
        for place, band in enumerate(KINDS[product.kind])
    ]
    scales = {f"{RASTER_BANDS[band]}_scale": SCALES[band - 1] for band in RASTER_BANDS}
    return {
        "name": f"projects/PROJECT/assets/{name_product(stamp, 'cropland', products[0].crs)}",
        "tilesets": [
            {"id": product.kind, "sources": [{"uris": [f"gs://BUCKET/{product.path.name}"]}]} for product in products
        ],
        "bands": bands,
        "startTime": start.isoformat().replace("+00:00", "Z"),
        "endTime": end.isoformat().replace("+00:00", "Z"),
        "properties": dict(sorted(tags.items())) | scales,
    }
