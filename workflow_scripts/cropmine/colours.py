"""The colours of the classes, the same on maps, charts and in QGIS; safe for the colour-blind."""

# Okabe and Ito (2008), Color Universal Design.
CROPLAND_COLOUR = "#E69F00"
NONCROPLAND_COLOUR = "#9CC6DF"  # their blue, lightened: the two differ in lightness, too, and most land is this
