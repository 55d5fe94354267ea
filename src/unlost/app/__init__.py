"""The composition root: connects the other packages, with one function for each user action.

The command line, the console and the REST API call ``unlost.app.actions`` alone.
"""

import os

# Must be set before polars is imported. Several of our threads call it with small pieces of work.
# With threads inside polars as well, a first backup took 4 % more CPU, and a nightly one 10 % longer.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
# Arrow's own allocator keeps the memory of large pages of rows; the system's returns it: 90 MB in a
# console that showed a few hundred records. Arrow reads this when it is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
# NumPy starts a thread for each further core when it is imported. They wait in a loop at first: a
# tenth of a CPU-second of each command. Nothing here multiplies matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
