"""The ways out: what the vault holds, for other programs to read.

Everything here stands on the port ``Snapshot`` alone, so that whoever may not see a column does not
get it here either. Rows leave by ``unlost.outside.source`` and nowhere else.
"""
