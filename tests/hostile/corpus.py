"""The corpus: every hostile or broken input, by name."""

from hostile.config_cases import CONFIG_CASES
from hostile.database_cases import DATABASE_CASES
from hostile.model_cases import MODEL_CASES
from hostile.name_cases import NAME_CASES
from hostile.raster_cases import RASTER_CASES
from hostile.vector_cases import VECTOR_CASES
from hostile.vrt_cases import VRT_CASES

CASES = (*RASTER_CASES, *VRT_CASES, *VECTOR_CASES, *DATABASE_CASES, *MODEL_CASES, *CONFIG_CASES, *NAME_CASES)
