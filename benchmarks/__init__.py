"""Measurements, one program each. Memory is allocated as the program does it, whatever is loaded first."""

import unlost.app  # noqa: F401 (chooses allocators, before Arrow is loaded)
