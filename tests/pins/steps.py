"""The names of steps: a resumed run finds their results by these."""

import re
from collections.abc import Iterator
from pathlib import Path

from unit.engine.scene import Scene, chocolate


def step_names(folder: Path) -> Iterator[str]:
    """List the names of the steps of some backups in which much changes. All digits are zeros."""
    folder.mkdir()
    scene = Scene(folder)
    accounts = chocolate(scene)
    org = scene.org
    org.add_table("Paper", {"Name": org.tables["Account"].columns["Name"].kind}, files=True)
    org.attach("Paper", "recipe", b"cocoa")
    scene.night()
    org.update("Account", accounts[0], {"Name": "Other"})
    org.delete("Contact", next(iter(org.tables["Contact"].records)))
    org.purge("Junction", next(iter(org.tables["Junction"].records)))
    org.hide_row("Account", accounts[1])
    org.hide_column("Account", "Phone")
    scene.night()
    org.show_column("Account", "Phone")
    org.purge("Account", accounts[1])
    scene.night()
    scene.hour("Account")
    org.show_row("Account", accounts[1])
    scene.night()
    scene.night()
    names = (re.sub(r"\d+", "0", f"{name} {key}").strip() for _, name, key in scene.steps)
    yield from sorted(set(names))
