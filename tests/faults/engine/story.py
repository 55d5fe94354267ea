"""A story that crashes interrupt, and the picture that it must come to."""

from pathlib import Path
from typing import Any

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.model.source.schema import WireKind


def story(work: Path, *, durable: bool = False) -> Scene:
    """An org with one night behind it and every sort of change before the next."""
    work.mkdir(parents=True, exist_ok=True)
    scene = Scene(work, workers=1, durable=durable)
    scene.source.page_rows = 4
    made = chocolate(scene, records=5)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "one.txt", b"one")
    scene.night()
    scene.clock.advance(hours=12)
    scene.org.update("Account", made[0], {"Phone": "changed"})
    scene.org.delete("Account", made[1])
    scene.org.purge("Account", made[2])
    scene.org.hide_row("Contact", next(iter(scene.org.tables["Contact"].records)))
    scene.org.purge("Junction", next(iter(scene.org.tables["Junction"].records)))
    scene.org.attach("Document", "two.txt", b"two")
    scene.org.hide_column("Account", "Turnover")
    return scene


def picture(scene: Scene) -> Any:
    """Everything that a night is judged by, but for times."""
    head = scene.head
    return {
        "nights": [info.number for info in scene.vault.snapshots(scene.oid)],
        "held": {t: (s.alive, s.deleted) for t, s in head.tables().items()},
        "rows": {
            t: sorted(map(str, head.scan(t).read_all().drop(["_u_observed_at"]).to_pylist()))
            for t in head.tables()
        },
        "dead": {t: scene.dead(t) for t in head.tables()},
        "hidden": {t: scene.hidden(t) for t in head.tables()},
        "files": sorted(
            f.name for f in head.files("Document", list(scene.cells("Document", "Id")))
        ),
        "certificate": [
            (line.table, line.live, line.stored, line.created, line.deleted, line.files)
            for line in (head.certificate() or pytest.fail("no certificate")).tables
        ],
    }


def shown(scene: Scene) -> Any:
    """Return the newest snapshot as people see it, whichever commit wrote it."""
    told = picture(scene)
    rows = {
        table: sorted(
            map(
                str,
                scene.head.scan(table).read_all().drop(["_u_observed_at", "_u_snap"]).to_pylist(),
            )
        )
        for table in told["rows"]
    }
    return {**{key: told[key] for key in ("held", "dead", "hidden", "files")}, "rows": rows}
