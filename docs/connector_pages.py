"""Links to the pages of connectors, which lie in folders of their names."""

from collections.abc import Iterator
from pathlib import Path

CONNECTORS = Path(__file__).parent / "connectors"
ADD = ["unlost", "org", "add"]


def links(command: str, folder: Path = CONNECTORS) -> Iterator[str]:
    """The pages of a connector, for the command that adds an org of it."""
    *group, name = command.split()
    if group == ADD:
        for file in sorted((folder / name).glob("*.md")):
            title = file.read_text("utf-8").partition("\n")[0].removeprefix("# ")
            yield f"See [{title}](../connectors/{name}/{file.name})."
            yield ""
