"""Methods of segmentation and their settings.

To add a method, write its module in cropmine/mining/methods/ (mining/segmentation.py says what it must define) and
register the class of its settings here.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cropmine.config.registry import Kind, Registry

Features = Annotated[
    tuple[Literal["ndvi", "ndwi", "evi", "savi", "texture"], ...],
    Field(description="indices and texture to use in addition to the bands"),
]


class Segmentation(Kind):
    """How a tile is divided into segments.

    A kind with `clustered` divides a tile into clusters, which its segments keep as their `cluster`; others divide it
    into superpixels.
    """

    clustered: ClassVar[bool] = False
    min_area_m2: float = Field(500, ge=0, description="smaller segments are dropped, true square metres")
    max_area_m2: float | None = Field(None, gt=0, description="larger segments are dropped, true square metres")

    @property
    def fits_region(self) -> bool:
        """Whether the method is fitted once for all training tiles of a region, by the rule fit_codebook."""
        return False

    @property
    def network_of(self) -> str | None:
        """The experiment whose trained network the method reads, in the rule segment_deep; None if it reads none."""
        return None


SEGMENTATIONS: Registry[Segmentation] = Registry()
AnySegmentation = Annotated[Segmentation, SEGMENTATIONS]


class Clustering(Segmentation):
    """Connected pixels of one K-means cluster."""

    clustered: ClassVar[bool] = True
    clusters: int = Field(10, ge=1, le=250, description="number of clusters, K")
    smooth_px: int = Field(
        1,
        ge=1,
        le=31,
        description="width of the majority filter over the clusters, an odd number of pixels; 1: no filter",
    )
    sample_px: int = Field(100_000, ge=100, description="number of pixels drawn to fit the clusters")
    seed: int = Field(0, ge=0, description="seed for drawing pixels and for K-means")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.smooth_px % 2 == 0:
            raise ValueError("smooth_px must be odd")
        return self


@SEGMENTATIONS.register
class KMeans(Clustering):
    """Connected pixels of one K-means cluster of the imagery."""

    module: ClassVar[str] = "cropmine.mining.methods.kmeans"
    method: Literal["kmeans"] = Field("kmeans", description="K-means clusters of the imagery")
    scope: Literal["tile", "region"] = Field("tile", description="fit the clusters to each tile, or once to the region")
    features: Features = ()

    @property
    def fits_region(self) -> bool:
        return self.scope == "region"


@SEGMENTATIONS.register
class Slic(Segmentation):
    """Superpixels by simple linear iterative clustering (Achanta et al. 2012)."""

    module: ClassVar[str] = "cropmine.mining.methods.slic"
    method: Literal["slic"] = Field("slic", description="SLIC superpixels")
    segment_m2: float = Field(5000, gt=0, description="mean area of a segment, true square metres")
    compactness: float = Field(
        1,
        gt=0,
        le=100,
        description="difference in colour, in standard deviations of a band, that counts as one spacing of segments",
    )
    features: Features = ()


@SEGMENTATIONS.register
class Watershed(Segmentation):
    """Watershed basins of the imagery's gradient."""

    module: ClassVar[str] = "cropmine.mining.methods.watershed"
    method: Literal["watershed"] = Field("watershed", description="watershed basins of the gradient")
    segment_m2: float = Field(5000, gt=0, description="mean area of a segment, true square metres")
    features: Features = ()


@SEGMENTATIONS.register
class Deep(Clustering):
    """Connected pixels of one K-means cluster of a trained network's features."""

    module: ClassVar[str] = "cropmine.mining.methods.deep"
    method: Literal["deep"] = Field("deep", description="K-means clusters of a trained network's features")
    experiment: str = Field(description="the trained experiment whose features are clustered")

    @property
    def network_of(self) -> str | None:
        return self.experiment
