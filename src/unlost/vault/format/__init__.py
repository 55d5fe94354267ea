"""Codecs of the vault's format: pure functions from values to bytes and back.

``docs/reference/vault-format.md`` defines every byte; the golden files in ``tests/golden`` pin
them.
"""
