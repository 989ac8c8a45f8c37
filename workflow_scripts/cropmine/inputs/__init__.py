"""Imagery, weak maps, labels, zones and splits."""
