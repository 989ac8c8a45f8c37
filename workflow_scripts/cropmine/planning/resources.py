"""What a job asks of a cluster: memory and minutes by the size of its tile and the attempt, up to a cap.

The numbers are for one attempt of one job, with room to spare over what was measured: a job that asks for too little is
killed and costs a second attempt, one that asks for too much waits longer in the queue.
"""

from dataclasses import dataclass

CAP_MB = 64_000
CAP_MINUTES = 24 * 60
GROWTH = 2
USUAL_TILE_PX = 4096 * 4096
USUAL_CHANNELS = 4


@dataclass(frozen=True)
class Need:
    """Memory (MB) and minutes of a rule: at least so much, and so much for each million pixels of a tile.

    `by_channel` is further memory for each million pixels of each channel (a band of a date).
    """

    mb: float
    minutes: float
    mb_a_mpx: float = 0
    by_channel: float = 0
    minutes_a_mpx: float = 0


# Rules that aren't named have a fixed size: tables, labels, comparisons.
SMALL = Need(mb=1500, minutes=30)


NEEDS = {
    "simulate_region": Need(mb=3000, minutes=30),
    "check_region": Need(mb=1500, minutes=120),
    "fit_codebook": Need(mb=1000, minutes=120, mb_a_mpx=20, by_channel=20),
    "segment_tile": Need(mb=500, minutes=5, mb_a_mpx=40, by_channel=25, minutes_a_mpx=0.5),
    "segment_deep": Need(mb=2000, minutes=10, mb_a_mpx=60, by_channel=25, minutes_a_mpx=2),
    "overlap_tile": Need(mb=500, minutes=5, mb_a_mpx=60, minutes_a_mpx=0.3),
    "measure_shift": Need(mb=500, minutes=10, mb_a_mpx=80, minutes_a_mpx=2),
    "mine_polygons": Need(mb=700, minutes=5, mb_a_mpx=80, minutes_a_mpx=0.5),
    "mask_tile": Need(mb=500, minutes=5, mb_a_mpx=20, by_channel=10, minutes_a_mpx=0.3),
    "burn_target": Need(mb=500, minutes=5, mb_a_mpx=60, minutes_a_mpx=0.3),
    "audit_labels": Need(mb=1500, minutes=240, mb_a_mpx=60),
    "measure_distances": Need(mb=1500, minutes=120, mb_a_mpx=20, by_channel=10),
    "train_model": Need(mb=8000, minutes=720),
    "train_transfer": Need(mb=8000, minutes=720),
    "train_forest": Need(mb=4000, minutes=120, mb_a_mpx=20, by_channel=40),
    "train_trees": Need(mb=4000, minutes=120, mb_a_mpx=20, by_channel=40),
    "fuse_models": SMALL,
    "score_model": Need(mb=3000, minutes=240, mb_a_mpx=20),
    "score_transfer": Need(mb=3000, minutes=240, mb_a_mpx=20),
    "score_weak_map": Need(mb=1500, minutes=120, mb_a_mpx=60),
    "map_tile": Need(mb=3000, minutes=10, mb_a_mpx=40, by_channel=25, minutes_a_mpx=3),
    "build_mosaic": Need(mb=1500, minutes=120, mb_a_mpx=20),
    "measure_units": Need(mb=1500, minutes=120, mb_a_mpx=20),
    "score_map": Need(mb=1500, minutes=120, mb_a_mpx=20),
    "check_simulation": Need(mb=4000, minutes=120, mb_a_mpx=40),
    "deliver_map": Need(mb=3000, minutes=120, mb_a_mpx=60),
    "draw_project": Need(mb=2000, minutes=60, mb_a_mpx=20),
    "design_sample": Need(mb=3000, minutes=120, mb_a_mpx=40),
    "suggest_labels": Need(mb=3000, minutes=240, mb_a_mpx=60),
    "build_report": Need(mb=3000, minutes=60, mb_a_mpx=40),
}


def find_need(rule: str) -> Need:
    """The need of a rule by its name, which begins with a prefix where another workflow uses cropmine as a module."""
    names = [name for name in NEEDS if rule.endswith(name)]
    return NEEDS[max(names, key=len)] if names else SMALL


def estimate_mb(rule: str, tile_px: int, channels: int, attempt: int) -> int:
    """The memory of a job, MB, twice as much at each attempt up to 64 GB.

    tile_px: pixels of the region's largest tile; channels: bands × dates; attempt: from 1.
    """
    need = find_need(rule)
    first = need.mb + tile_px / 1e6 * (need.mb_a_mpx + need.by_channel * channels)
    return min(round(first * GROWTH ** (attempt - 1)), CAP_MB)


def estimate_minutes(rule: str, tile_px: int, attempt: int) -> int:
    """The time limit of a job, minutes, twice as long at each attempt up to a day; arguments as in estimate_mb."""
    need = find_need(rule)
    first = need.minutes + tile_px / 1e6 * need.minutes_a_mpx
    return min(round(first * GROWTH ** (attempt - 1)), CAP_MINUTES)
