"""Words of searched text: its canonical form, and the tokens of cells and queries."""
