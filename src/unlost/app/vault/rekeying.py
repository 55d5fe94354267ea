"""Going on with sealing orgs anew under their newest keys, beside what else upkeep does."""

from unlost.app.compose import Application
from unlost.model.errors import Conflict

NIGHTLY_BYTES = 8 << 30  # that upkeep seals anew after a night


def go_on(app: Application, oid: str, *, run: str) -> None:
    """A part of it, for upkeep, which holds the lease; what a backup has outrun the next night does."""
    try:
        app.whole_vault.rekey(oid, run=run, most=NIGHTLY_BYTES, pause=app.brake.check)
    except Conflict as error:
        if error.code != "maintenance-outrun":
            raise
