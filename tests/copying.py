"""Copies of whole worlds: two tests go on from one moment, each with a state of its own."""

import copy
import copyreg
import itertools
import threading

# A copy gets locks of its own.
for make_lock in (threading.Lock, threading.RLock):
    copyreg.pickle(type(make_lock()), lambda _, make=make_lock: (make, ()))

# Python gives up copying of counters; their text says where they stand: count(3).
copyreg.pickle(itertools.count, lambda counter: (itertools.count, (int(repr(counter)[6:-1]),)))

deep = copy.deepcopy
