"""Values of a request as the columns hold them."""
