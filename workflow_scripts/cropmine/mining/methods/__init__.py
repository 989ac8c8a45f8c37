"""Methods of segmentation, a module each."""
