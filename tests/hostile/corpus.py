"""The corpus: every hostile or broken input, by name."""

from config_cases import CONFIG_CASES
from model_cases import MODEL_CASES
from name_cases import NAME_CASES
from raster_cases import RASTER_CASES
from vector_cases import VECTOR_CASES

CASES = (*RASTER_CASES, *VECTOR_CASES, *MODEL_CASES, *CONFIG_CASES, *NAME_CASES)
