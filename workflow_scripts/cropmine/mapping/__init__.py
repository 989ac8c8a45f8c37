"""The map and its deliverables."""
