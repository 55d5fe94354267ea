"""Continue re-encrypting orgs under their newest keys during nightly maintenance."""

from unlost.app.compose import Application
from unlost.model.errors import Conflict

NIGHTLY_BYTES = 8 << 30  # re-encrypted after each nightly backup


def go_on(app: Application, oid: str, *, run: str) -> None:
    """Re-encrypt a part; the caller holds the lease. After a conflict the next night continues."""
    try:
        app.whole_vault.rekey(oid, run=run, most=NIGHTLY_BYTES, pause=app.cancel_flag.check)
    except Conflict as error:
        if error.code != "maintenance-outrun":
            raise
