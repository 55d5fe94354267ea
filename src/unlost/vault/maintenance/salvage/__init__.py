"""Salvaging: a damaged piece of an object costs that piece, and not the object."""
