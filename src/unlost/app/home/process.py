"""Memory settings of the process, applied once at its start, and returning unused memory.

They concern the whole process, so they belong to the program and not to the vault or a connector,
which are libraries too.
"""

import ctypes
import sys

# mallopt(3), M_ARENA_MAX, and malloc.h of the GNU C library
M_ARENA_MAX = -8
ARENAS = 4


def share_arenas() -> bool:
    """Limit all threads to four allocation arenas with glibc; True if it succeeded.

    Repeated calls change nothing.

    Each of glibc's arenas keeps the memory of its busiest moment. Threads pass pages of rows on to
    each other, so with one arena per thread most of it lies idle: a seventh of the memory of a
    backup of long mails. With only two arenas, threads wait for each other: a nightly commit of
    a million contacts takes 400 ms instead of 310, on two cores.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1


def give_back() -> None:
    """Return the memory of a finished job to the system, as the next job needs other sizes.

    Both allocators keep free pages, for a while or forever (malloc_trim(3); Arrow's pool).
    """
    arrow = sys.modules.get("pyarrow")  # without an import there is nothing to release
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
