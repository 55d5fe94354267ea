"""Single records, lists of them and trees: their bodies, conditions and outcomes."""
