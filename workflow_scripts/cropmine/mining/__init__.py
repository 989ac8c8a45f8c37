"""From pixels to training targets: segments, overlaps, mined labels."""
