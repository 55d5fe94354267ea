"""Exports: the content of the vault, for other programs to read.

Everything here reads through the port ``Snapshot`` only, so a person who may not see a column does
not get it here either. Rows leave by ``unlost.outside.source`` only. See docs/adr/0021.
"""
