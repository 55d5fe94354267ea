"""Tables for people: plain columns, numbers to the right, no frame."""

from collections.abc import Collection

from rich.table import Table


def grid(*heads: str, right: Collection[str] = ()) -> Table:
    """An empty table with these heads; those named in ``right`` hold numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(
            head, justify="right" if head in right else "left", overflow="fold", no_wrap=False
        )
    return table
