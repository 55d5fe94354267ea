"""Homes for attacks on the console, as the tests of its pages have them."""

from unit.web.conftest import after_loss, lived, shop, sign_in, world

__all__ = ["after_loss", "lived", "shop", "sign_in", "world"]
