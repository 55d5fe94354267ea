"""Plain tables for people: no frame, numbers aligned right."""

from collections.abc import Collection

from rich.table import Table


def grid(*heads: str, right: Collection[str] = ()) -> Table:
    """Return an empty table with these headings; columns named in ``right`` contain numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        # Folded, never cut: people copy ids and paths from the screen.
        table.add_column(
            head, justify="right" if head in right else "left", overflow="fold", no_wrap=False
        )
    return table
