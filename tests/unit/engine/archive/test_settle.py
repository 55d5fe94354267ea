"""Which records of a graph go: nothing is torn apart, and shared files stay."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.archive.settle import OUTSIDE, Needs, Takes, settle

type Pair = tuple[int, int]


@dataclass(frozen=True)
class Graph:
    """A graph in plain Python; a needed record of None is outside."""

    count: int
    roots: tuple[int, ...] = ()
    takes: tuple[Pair, ...] = ()
    may_take: tuple[Pair, ...] = ()
    needs: tuple[tuple[int, int | None], ...] = ()
    stopped: tuple[int, ...] = ()

    def going(self) -> set[int]:
        """The records that go, by the code under test."""
        pairs = [*self.takes, *self.may_take]
        takes = Takes(
            np.array([owner for owner, _ in pairs], np.uint32),
            np.array([taken for _, taken in pairs], np.uint32),
            np.arange(len(pairs)) >= len(self.takes),
        )
        needs = Needs(
            np.array([record for record, _ in self.needs], np.uint32),
            np.array([OUTSIDE if n is None else n for _, n in self.needs], np.uint32),
        )
        stopped = np.zeros(self.count, np.bool_)
        stopped[list(self.stopped)] = True
        roots = np.array(self.roots, np.uint32)
        mask = settle(self.count, roots=roots, stopped=stopped, takes=takes, needs=needs)
        return set(np.flatnonzero(mask).tolist())

    def may_go(self, chosen: set[int]) -> bool:
        """True if these could go together: each is taken, and nothing is torn apart."""
        closed = all(taken in chosen for owner, taken in self.takes if owner in chosen)
        met = all(needed in chosen for record, needed in self.needs if record in chosen)
        return closed and met and not chosen & set(self.stopped) and self._taken(chosen) == chosen

    def _taken(self, chosen: set[int]) -> set[int]:
        reached = set(self.roots) & chosen
        pairs = [*self.takes, *self.may_take]
        while more := {t for o, t in pairs if o in reached and t in chosen} - reached:
            reached |= more
        return reached


def test_a_record_takes_all_below_it() -> None:
    assert Graph(4, roots=(0,), takes=((0, 1), (1, 2))).going() == {0, 1, 2}


def test_a_record_whose_mail_must_stay_stays_with_all_its_mails() -> None:
    assert Graph(4, roots=(0,), takes=((0, 1), (0, 2), (2, 3)), stopped=(3,)).going() == set()


def test_a_shared_file_stays_and_the_case_goes() -> None:
    links = Graph(3, roots=(0,), takes=((0, 1),), may_take=((1, 2),), needs=((2, 1), (2, None)))
    assert links.going() == {0, 1}


def test_a_file_goes_with_its_last_link() -> None:
    links = Graph(
        5, roots=(0, 1), takes=((0, 2), (1, 3)), may_take=((2, 4), (3, 4)), needs=((4, 2), (4, 3))
    )
    assert links.going() == {0, 1, 2, 3, 4}


def test_a_file_of_two_cases_stays_if_one_of_them_does() -> None:
    links = Graph(
        5, roots=(0, 1), takes=((0, 2), (1, 3)), may_take=((2, 4), (3, 4)),
        needs=((4, 2), (4, 3)), stopped=(1,),
    )  # fmt: skip
    assert links.going() == {0, 2}


def test_a_record_that_another_one_needs_in_the_org_stays() -> None:
    assert Graph(2, roots=(0, 1), needs=((0, None),)).going() == {1}


def test_needs_of_each_other_are_met_together() -> None:
    assert Graph(2, roots=(0, 1), needs=((0, 1), (1, 0))).going() == {0, 1}
    assert Graph(2, roots=(0,), needs=((0, 1), (1, 0))).going() == set()


def test_a_circle_goes_and_ends() -> None:
    assert Graph(3, roots=(0,), takes=((0, 1), (1, 2), (2, 0))).going() == {0, 1, 2}


def test_what_only_a_staying_root_takes_stays_and_shared_records_go() -> None:
    shared = Graph(4, roots=(0, 1), takes=((0, 2), (1, 2), (1, 3)), stopped=(3,))
    assert shared.going() == {0, 2}


NODES = 6
NODE = st.integers(0, NODES - 1)
PAIRS = st.lists(st.tuples(NODE, NODE), max_size=7).map(tuple)
GRAPHS = st.builds(
    Graph,
    st.just(NODES),
    roots=st.lists(NODE, max_size=3).map(tuple),
    takes=PAIRS,
    may_take=PAIRS,
    needs=st.lists(st.tuples(NODE, st.none() | NODE), max_size=4).map(tuple),
    stopped=st.lists(NODE, max_size=2).map(tuple),
)


@given(GRAPHS)
def test_nothing_is_torn_apart(graph: Graph) -> None:
    assert graph.may_go(graph.going())


@given(GRAPHS)
def test_no_more_could_go(graph: Graph) -> None:
    """The result is the largest set that could go, of all sets there are."""
    going = graph.going()
    for number in range(1 << NODES):
        chosen = {node for node in range(NODES) if number >> node & 1}
        if not chosen <= going:
            assert not graph.may_go(chosen)
