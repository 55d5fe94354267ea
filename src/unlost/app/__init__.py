"""The composition root: connects the other packages, with one function for each user action.

The command line, the console and the REST API call ``unlost.app.actions`` alone.
"""

import os

# Must be set before polars is imported. Its work comes in small pieces, several at a time in threads
# of ours: more threads of its own took 4 % more CPU of a first backup, and a tenth more time of a night.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
# Arrow's own allocator keeps what large pages of rows took; the system's gives it back: 90 MB of a console
# that showed a few hundred records. It is read when Arrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
