"""Kinds of models, a module each."""
