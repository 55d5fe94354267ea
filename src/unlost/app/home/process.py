"""How a process of Unlost uses memory: what it settles once, before it does anything, and what it gives back.

It is a setting of the whole process, so that it belongs to the program and not to the vault or to a
connector, which are libraries too.
"""

import ctypes
import sys

# mallopt(3), M_ARENA_MAX, and malloc.h of the GNU C library
M_ARENA_MAX = -8
ARENAS = 2


def settle() -> None:
    """Settle it. Doing it again changes nothing."""
    share_arenas()


def share_arenas() -> bool:
    """Let all threads allocate from two arenas, where the C library has such; True if it does.

    Each of glibc's arenas keeps what its busiest moment needed. A thread hands its pages of rows to
    the next one, so that with an arena a thread most of them lie idle: a seventh of the memory of a
    backup of long mails.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1


def give_back() -> None:
    """Give the system what a job before has left: the next one, in the same process, needs other memory.

    Both allocators keep pages that are free, for a while or for good (malloc_trim(3); Arrow's pool).
    """
    arrow = sys.modules.get("pyarrow")  # a process that has not loaded it holds nothing of it
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
