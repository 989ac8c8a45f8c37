"""Losses of networks, a module each, and the weights of pixels that they share."""
