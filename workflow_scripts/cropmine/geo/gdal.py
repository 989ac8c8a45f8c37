"""The environment that GDAL runs in: only the drivers that are needed, and no network unless a path is on one."""

import os
from collections.abc import Iterable

from cropmine.geo.raster_formats import VIRTUAL

_NETWORKS = ("curl", "s3", "gs", "az", "adls", "oss", "swift", "hdfs", "webhdfs")
# What GDAL can do that cropmine doesn't need; a test compares it with the drivers that there are.
SKIPPED_DRIVERS = (
    "AAIGrid,ACE2,ADBC,ADRG,AIG,AIVector,AVCBin,AVCE00,AirSAR,AmigoCloud,BAG,BIGGIF,BLX,BMP,BSB,BT,BYN,CALS,CEOS,"
    "COASP,COSAR,CPG,CSV,CSW,CTG,CTable2,Carto,DAAS,DERIVED,DGN,DIMAP,DIPEx,DOQ1,DOQ2,DTED,DXF,ECRGTOC,EDIGEO,EEDA,"
    "EEDAI,EHdr,EIR,ELAS,ENVI,ERS,ESAT,ESRIC,ESRIJSON,Elasticsearch,FAST,FIT,GDALG,GFF,GIF,GML,GNMDatabase,GNMFile,"
    "GPSBabel,GPX,GRASSASCIIGrid,GRIB,GS7BG,GSAG,GSBG,GSC,GTFS,GTI,GTX,GXF,GenBin,GeoJSONSeq,GeoRSS,HDF5,HDF5Image,"
    "HF2,HTTP,ILWIS,IRIS,ISCE,ISG,ISIS2,ISIS3,Idrisi,JAXAPALSAR,JDEM,JML,JPEG,JSONFG,KMLSUPEROVERLAY,KRO,L1B,LAN,"
    "LCP,LOSLAS,LVBAG,Leveller,MAP,MBTiles,MFF,MFF2,MRF,MSGN,MVT,MapML,MiraMonVector,NDF,NGSGEOID,NGW,NITF,NOAA_B,"
    "NSIDCbin,NTv2,NWT_GRC,NWT_GRD,OAPIF,ODS,OGCAPI,OGR_GMT,OGR_PDS,OGR_VRT,OSM,OZI,OpenFileGDB,PAux,PCIDSK,"
    "PCRaster,PDF,PDS,PDS4,PGDUMP,PLMOSAIC,PLSCENES,PMTiles,PNG,PNM,PRF,R,RIK,RMF,ROI_PAC,RPFTOC,RRASTER,RS2,RST,"
    "Rasterlite,S102,S104,S111,S57,SAFE,SAGA,SAR_CEOS,SDTS,SENTINEL2,SGI,SIGDEM,SNAP_TIFF,SNODAS,SQLite,SRP,"
    "SRTMHGT,STACIT,STACTA,SXF,Selafin,TGA,TIL,TSX,Terragen,TopoJSON,USGSDEM,VDV,VFK,VICAR,WAsP,WCS,WEBP,WFS,WMS,"
    "WMTS,XLSX,XPM,XYZ,ZMap,Zarr,netCDF,MapInfo File"
)


def confine_gdal(settings: object) -> dict[str, str]:
    """The environment in which GDAL has no drivers but those that are needed, and no network.

    settings: a configuration as plain builtins. If a path in it is on a network, as /vsis3/… and /vsicurl/… do,
    network file systems stay on. To be set before GDAL starts.
    """
    limits = {"GDAL_SKIP": SKIPPED_DRIVERS, "GDAL_VRT_ENABLE_PYTHON": "NO", "OGR_GEOJSON_MAX_OBJ_SIZE": "50"}
    # Each build of GDAL warns of drivers that it lacks anyway when it starts; what comes later goes through Python.
    limits["CPL_LOG"] = os.devnull
    if not any(is_remote(text) for text in _list_texts(settings)):
        limits["CPL_VSIL_CURL_ALLOWED_FILENAME"] = "none"
    return limits


def is_remote(path: str) -> bool:
    """Check whether a path is on one of GDAL's network file systems."""
    return path.startswith(VIRTUAL) and any(f"{VIRTUAL}{name}" in path for name in _NETWORKS)


def _list_texts(settings: object) -> Iterable[str]:
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, dict | list | tuple):
        for value in settings.values() if isinstance(settings, dict) else settings:
            yield from _list_texts(value)
