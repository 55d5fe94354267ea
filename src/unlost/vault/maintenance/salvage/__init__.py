"""Salvage: damage to part of an object costs only that part."""
