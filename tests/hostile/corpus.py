"""The corpus: every hostile or broken input, by name."""

from config_cases import CONFIG_CASES
from database_cases import DATABASE_CASES
from model_cases import MODEL_CASES
from name_cases import NAME_CASES
from raster_cases import RASTER_CASES
from vector_cases import VECTOR_CASES
from vrt_cases import VRT_CASES

CASES = (*RASTER_CASES, *VRT_CASES, *VECTOR_CASES, *DATABASE_CASES, *MODEL_CASES, *CONFIG_CASES, *NAME_CASES)
