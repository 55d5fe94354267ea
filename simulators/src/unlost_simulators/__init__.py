"""Simulators of SaaS protocols: servers that behave as the real ones do, and know nothing of Unlost."""

import os

# NumPy would start a thread for each further core, each of which waits in a loop at first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
