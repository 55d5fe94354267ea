"""Cycles in a graph of numbered nodes. Pure, and without recursion: chains may be long."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


def components(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each node the number of its strongly connected component (Tarjan's algorithm).

    Components are numbered bottom up: one that another points to has the lower number.
    """
    search = _Search(_successors(count, pairs))
    for start in range(count):
        if search.discovered[start] < 0:
            search.explore(start)
    return search.component


def circular(count: int, pairs: Iterable[tuple[int, int]]) -> set[int]:
    """The nodes on a cycle, including nodes that point to themselves."""
    known = list(pairs)
    component = components(count, known)
    return {source for source, target in known if component[source] == component[target]}


def depths(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each node the length of the longest path that starts there; the graph has no cycles."""
    known = list(pairs)
    successors = _successors(count, known)
    component = components(count, known)
    depth = [0] * count
    for node in sorted(range(count), key=component.__getitem__):
        depth[node] = max((depth[other] + 1 for other in successors[node]), default=0)
    return depth


def _successors(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    successors: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        successors[source].append(target)
    return successors


@dataclass(slots=True)
class _Search:
    """A depth-first search. ``discovered`` numbers nodes by their discovery, -1 before it."""

    successors: list[list[int]]
    discovered: list[int] = field(init=False)
    lowest: list[int] = field(init=False)
    component: list[int] = field(init=False)
    _held: list[int] = field(default_factory=list)
    _discovered: int = 0
    _components: int = 0

    def __post_init__(self) -> None:
        count = len(self.successors)
        self.discovered, self.lowest, self.component = [-1] * count, [0] * count, [-1] * count

    def explore(self, start: int) -> None:
        """Explore everything that can be reached from here."""
        # An explicit stack: chains can be longer than Python's recursion limit.
        path: list[tuple[int, Iterator[int]]] = [self._enter(start)]
        while path:
            node, unvisited = path[-1]
            step = next((other for other in unvisited if self._leads_on(node, other)), None)
            if step is not None:
                path.append(self._enter(step))
                continue
            path.pop()
            if path:
                above = path[-1][0]
                self.lowest[above] = min(self.lowest[above], self.lowest[node])
            if self.lowest[node] == self.discovered[node]:
                self._close(node)

    def _enter(self, node: int) -> tuple[int, Iterator[int]]:
        self.discovered[node] = self.lowest[node] = self._discovered
        self._discovered += 1
        self._held.append(node)
        return node, iter(self.successors[node])

    def _leads_on(self, node: int, other: int) -> bool:
        """True if ``other`` is new; a node that is still on the stack closes a cycle."""
        if self.discovered[other] < 0:
            return True
        if self.component[other] < 0:
            self.lowest[node] = min(self.lowest[node], self.discovered[other])
        return False

    def _close(self, node: int) -> None:
        while self.component[node] < 0:
            self.component[self._held.pop()] = self._components
        self._components += 1
