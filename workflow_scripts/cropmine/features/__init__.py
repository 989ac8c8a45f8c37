"""What a model sees of a pixel: indices, neighbourhoods, segments and the weak map."""
