"""What a process of Unlost settles once, before it does anything: how it uses memory and time.

Both are settings of the whole process, so that they belong to the program and not to the vault or
to a connector, which are libraries too.
"""

import ctypes
import importlib.util
import sys

# mallopt(3), M_ARENA_MAX, and malloc.h of the GNU C library
M_ARENA_MAX = -8
ARENAS = 2


def settle() -> None:
    """Settle both. Doing it again changes nothing."""
    share_arenas()
    miss_dateutil_once()


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


def miss_dateutil_once() -> None:
    """Remember that ``dateutil`` is not installed, where it is not.

    pyarrow looks for it whenever it turns Python values into an array or a scalar, and walks the
    path of modules each time: four fifths of the time of such a call.
    """
    if importlib.util.find_spec("dateutil") is None:
        sys.modules.setdefault("dateutil", None)  # type: ignore[arg-type]
