"""Parents before children, circles broken by a second pass, few levels a table."""

from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.restore.planning.graph.order import Node, Order, RecordReference, find_order
from unlost.engine.restore.values.cycles import circular, components, depths
from unlost.model.plan import RecordKey

A1, A2, A3 = (RecordKey("Account", str(n)) for n in (1, 2, 3))
C1, C2 = (RecordKey("Contact", str(n)) for n in (1, 2))
J1 = RecordKey("Junction", "1")


def test_parents_come_first() -> None:
    found = find_order([Node(C1, (RecordReference("AccountId", A1),)), Node(A1)])
    assert found.levels == {A1: 0, C1: 1}
    assert not found.late
    assert not found.stuck


def test_who_needs_nobody_of_the_plan_comes_at_once() -> None:
    assert find_order([Node(C1, (RecordReference("AccountId", A1),))]).levels == {C1: 0}


def test_a_hierarchy_in_one_table_has_a_level_for_each_step() -> None:
    nodes = [
        Node(A1),
        Node(A2, (RecordReference("Parent", A1, late=True),)),
        Node(A3, (RecordReference("Parent", A2),)),
    ]
    found = find_order(nodes)
    assert found.levels == {A1: 0, A2: 1, A3: 2}
    assert not found.late


def test_a_table_stays_together_though_its_parents_stand_on_several_levels() -> None:
    nodes = [
        Node(A1),
        Node(A2, (RecordReference("Parent", A1),)),
        Node(C1, (RecordReference("AccountId", A1),)),
        Node(C2, (RecordReference("AccountId", A2),)),
    ]
    found = find_order(nodes).levels
    assert found[C1] == found[C2] == 2


def test_a_junction_waits_for_both_sides() -> None:
    nodes = [
        Node(J1, (RecordReference("AccountId", A1), RecordReference("ContactId", C1))),
        Node(C1, (RecordReference("AccountId", A1),)),
        Node(A1),
    ]
    assert find_order(nodes).levels == {A1: 0, C1: 1, J1: 2}


def test_a_record_that_points_to_itself_is_set_late() -> None:
    found = find_order([Node(A1, (RecordReference("Parent", A1, late=True),))])
    assert found.late == {A1: ("Parent",)}
    assert found.levels == {A1: 0}


def test_a_circle_of_two_tables_is_broken_where_it_costs_least() -> None:
    nodes = [
        Node(A1, (RecordReference("Primary", C1, late=True),)),
        Node(C1, (RecordReference("AccountId", A1, late=True),)),
        Node(
            C2,
            (
                RecordReference("AccountId", A1, late=True),
                RecordReference("ReportsTo", C1, late=True),
            ),
        ),
    ]
    found = find_order(nodes)
    assert found.late in ({A1: ("Primary",)}, {C1: ("AccountId",)})
    assert not found.stuck


def test_the_column_that_breaks_all_circles_is_set_late() -> None:
    nodes = [
        Node(A1, (RecordReference("Primary", C1, late=True),)),
        Node(A2, (RecordReference("Primary", C2, late=True),)),
        Node(C1, (RecordReference("AccountId", A1),)),
        Node(C2, (RecordReference("AccountId", A2),)),
    ]
    found = find_order(nodes)
    assert found.late == {A1: ("Primary",), A2: ("Primary",)}
    assert found.levels == {A1: 0, A2: 0, C1: 1, C2: 1}


def test_a_circle_that_nothing_breaks_is_stuck_and_the_rest_goes_on() -> None:
    nodes = [
        Node(A1, (RecordReference("Owner", A2),)),
        Node(A2, (RecordReference("Owner", A1),)),
        Node(A3, (RecordReference("Parent", A1),)),
        Node(C1),
    ]
    found = find_order(nodes)
    assert found.stuck == {A1, A2}
    assert found.levels == {A3: 0, C1: 0}


def chain(length: int, *, late: bool) -> list[Node]:
    """Records that refer to one another in a long chain, in two tables by turns."""
    keys = [RecordKey("Recipe" if n % 2 else "Batch", f"{n:03d}") for n in range(length)]
    return [
        Node(key, (RecordReference(f"Next{key.table}", above, late=late and key.table == "Batch"),))
        if above is not None
        else Node(key)
        for key, above in zip(keys, [None, *keys], strict=False)
    ]


def test_a_chain_of_many_levels_is_cut_for_a_second_pass() -> None:
    found = find_order(chain(100, late=True))
    assert set(found.levels.values()) == {0, 1}
    assert set(found.late.values()) == {("NextBatch",)}
    assert len(found.late) == 49


def test_a_chain_that_saves_few_calls_or_is_required_is_not_cut() -> None:
    for nodes in (chain(20, late=True), chain(100, late=False)):
        found = find_order(nodes)
        assert not found.late
        assert len(set(found.levels.values())) == len(nodes)


def rings(length: int) -> list[Node]:
    """A chain of recipes, of which each also stands in a circle with a batch of its own."""
    keys = [RecordKey("Recipe", f"{n:03d}") for n in range(length)]
    nodes = []
    for key, above in zip(keys, [None, *keys], strict=False):
        batch = RecordKey("Batch", key.record)
        links = [RecordReference("Current", batch, late=True)]
        links += [RecordReference("From", above, late=True)] if above is not None else []
        nodes += [Node(key, tuple(links)), Node(batch, (RecordReference("Recipe", key),))]
    return nodes


def test_a_short_chain_is_cut_where_the_table_has_a_second_pass_anyway() -> None:
    found = find_order(rings(9))
    assert {found.late[RecordKey("Recipe", f"{n:03d}")] for n in range(1, 9)} == {
        ("Current", "From")
    }
    assert set(found.levels.values()) == {0, 1}
    assert all("From" not in columns for columns in find_order(rings(3)).late.values())


def strands(count: int, *, levels: int) -> list[Node]:
    """So many chains of recipes side by side, each of so many levels."""
    keys = [RecordKey("Recipe", f"{n:05d}") for n in range(count * levels)]
    return [
        Node(key, (RecordReference("From", keys[at - count], late=True),) if at >= count else ())
        for at, key in enumerate(keys)
    ]


def test_many_records_are_not_written_twice_to_save_few_calls() -> None:
    """A record that is written a second time says that it was changed now."""
    assert len(find_order(strands(10, levels=40)).late) == 390
    assert find_order(strands(60, levels=40)).late == {}, "2,340 records, 28 calls"


def test_tables_that_must_be_there_first() -> None:
    found = find_order(
        [Node(A1), Node(C1)], after={"Account": ("Contact", "Nothing"), "None": ("A",)}
    )
    assert found.levels == {C1: 0, A1: 1}


def test_references_win_over_tables_that_should_be_there_first() -> None:
    nodes = [Node(A1), Node(C1, (RecordReference("AccountId", A1),))]
    assert find_order(nodes, after={"Account": ("Contact",)}).levels == {A1: 0, C1: 1}


# --- any graph ------------------------------------------------------------------------------------

KEYS = [RecordKey(table, str(record)) for table in "ABC" for record in range(4)]
LINKS = st.builds(
    RecordReference, st.sampled_from(["p", "q", "r"]), st.sampled_from(KEYS), late=st.booleans()
)


def one_target_a_column(links: list[RecordReference]) -> tuple[RecordReference, ...]:
    return tuple({link.column: link for link in links}.values())


NODES = st.lists(
    st.builds(Node, st.sampled_from(KEYS), st.lists(LINKS, max_size=4).map(one_target_a_column)),
    unique_by=lambda node: node.key,
    max_size=12,
)
AFTER = st.dictionaries(st.sampled_from("ABC"), st.lists(st.sampled_from("ABCX"), max_size=2))


@given(nodes=NODES, after=AFTER)
def test_every_reference_is_earlier_or_live_or_late(
    nodes: list[Node], after: dict[str, list[str]]
) -> None:
    found = find_order(nodes, after=after)
    known = {node.key for node in nodes}
    assert set(found.levels) | found.stuck == known
    assert not set(found.levels) & found.stuck
    for node in nodes:
        if node.key in found.stuck:
            continue
        for link in node.links:
            late = link.column in found.late.get(node.key, ())
            outside = link.target not in known or link.target in found.stuck
            earlier = not outside and found.levels[link.target] < found.levels[node.key]
            assert late or outside or earlier
            assert link.late or not late


@given(nodes=NODES)
def test_true_circles_are_late_or_stuck_and_chains_only_in_tables_with_a_second_pass(
    nodes: list[Node],
) -> None:
    found = find_order(nodes)
    place = {node.key: at for at, node in enumerate(nodes)}
    pairs = [
        (place[node.key], place[link.target])
        for node in nodes
        for link in node.links
        if link.target in place
    ]
    on_circles = {nodes[at].key for at in circular(len(nodes), pairs)}
    twice = {key.table for key in found.late if key in on_circles}
    assert {key.table for key in found.late if key not in on_circles} <= twice
    assert found.stuck <= on_circles
    forced = [
        (place[node.key], place[link.target])
        for node in nodes
        for link in node.links
        if link.target in place and not link.late
    ]
    assert found.stuck == {nodes[at].key for at in circular(len(nodes), forced)}


@given(nodes=NODES, data=st.data())
def test_the_order_of_the_question_does_not_matter(nodes: list[Node], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(nodes))
    assert find_order(shuffled) == find_order(nodes)


# --- graphs of numbers ----------------------------------------------------------------------------

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def reached(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Who reaches whom in one step or more, the slow way."""
    known = set(pairs)
    while more := {(a, d) for a, b in known for c, d in known if b == c} - known:
        known |= more
    return known


@given(PAIRS)
def test_components_are_those_that_reach_one_another(pairs: list[tuple[int, int]]) -> None:
    found, reach = components(7, pairs), reached(pairs)
    for a in range(7):
        for b in range(7):
            both = a == b or ((a, b) in reach and (b, a) in reach)
            assert (found[a] == found[b]) == both
    assert all(found[target] <= found[source] for source, target in pairs)
    assert circular(7, pairs) == {a for a in range(7) if (a, a) in reach}


@given(PAIRS)
def test_depths_are_longest_paths(pairs: list[tuple[int, int]]) -> None:
    down = [(max(pair), min(pair)) for pair in pairs if pair[0] != pair[1]]
    found = depths(7, down)
    for source in range(7):
        below = [found[target] + 1 for start, target in down if start == source]
        assert found[source] == max(below, default=0)


def test_a_chain_of_a_hundred_thousand_needs_no_recursion() -> None:
    count = 100_000
    found = depths(count, [(at + 1, at) for at in range(count - 1)])
    assert found[-1] == count - 1


def test_an_empty_plan_has_an_empty_order() -> None:
    assert find_order([]) == Order({}, {}, frozenset())
