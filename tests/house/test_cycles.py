"""No module imports itself by way of others.

The import contracts compare what lies side by side in one folder. A cycle through the ``__init__``
of a folder is found here alone.
"""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import grimp


def cycle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """The modules of a cycle, each imported by the next; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("unlost", "unlost_simulators", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert any(imports.values())
    assert not cycle(imports)


def test_a_cycle_through_a_folder_is_found() -> None:
    assert cycle(
        {
            "unlost.vault": {"unlost.vault.keys.hierarchy"},
            "unlost.vault.keys.hierarchy": {"unlost.vault"},
        }
    )
