"""Erasure: remove records from the whole history of an org, and delete the old objects."""
