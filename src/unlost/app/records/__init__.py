"""Records: their names, their relations, and how people select them."""
