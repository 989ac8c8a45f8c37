"""The colours of the classes, the same on maps, charts and in QGIS; safe for the colour-blind."""

# Okabe and Ito (2008), Color Universal Design.
CROPLAND_COLOUR = "#E69F00"
NONCROPLAND_COLOUR = "#9CC6DF"  # their blue, lightened: the two differ in lightness, too, and most land is this
# Where two maps differ; their common cropland has its own colour: a dark blue, and their sky blue.
MAP_ALONE_COLOUR = "#004D80"
WEAK_ALONE_COLOUR = "#56B4E9"
# Outlines of labels by what they serve; on the map they differ in dashes, too.
SPLIT_COLOURS = {"train": "#FFFFFF", "validation": "#F0E442", "test": "#D55E00"}
# Ramps of (value, colour), linear between them.
PROBABILITY_RAMP = ((0.0, "#FFFFFF"), (0.5, "#F3CF8B"), (1.0, "#B35900"))
DISAGREEMENT_RAMP = ((0.0, "#FFFFFF"), (0.1, "#C9B7DC"), (0.3, "#54278F"))
