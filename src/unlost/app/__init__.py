"""The composition root: wires the rooms, and offers one function for each action of a person.

The command line and later the console and the REST API call ``unlost.app.actions`` alone.
"""

import os

# Must be said before polars is imported. Its work comes in small pieces, several at a time in threads
# of ours: more threads of its own took 4 % more CPU of a first backup, and a tenth more time of a night.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
