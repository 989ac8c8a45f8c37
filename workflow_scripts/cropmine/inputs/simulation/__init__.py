"""Simulated regions: land, imagery, weak maps and labels that no one had to draw."""
