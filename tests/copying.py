"""Copies of whole worlds: two tests go on from one moment, each with a state of its own."""

import copy
import copyreg
import threading

# A copy gets locks of its own.
for make_lock in (threading.Lock, threading.RLock):
    copyreg.pickle(type(make_lock()), lambda _, make=make_lock: (make, ()))

deep = copy.deepcopy
