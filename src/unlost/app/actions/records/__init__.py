"""Records: find, show, compare and export them."""
