"""Plan files: the vault seals them, and they run after a person typed the name of the org."""

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.access import ActorKind
from unlost.model.errors import UsageError
from unlost.model.plan import RestorePlan

TYPED_FROM = 200  # more records than this, in a production org, need its name typed


def sealed_plan(app: Application, plan: RestorePlan) -> bytes:
    """Return the file of a plan, sealed by the vault."""
    return write_plan(plan, code=app.whole_vault.plan_code)


def proved_plan(app: Application, data: bytes, *, org: str | None = None) -> RestorePlan:
    """Return the plan of a file that the vault sealed; ``org`` is the oid of the intended org."""
    code = app.whole_vault.plan_code
    return read_plan(data, known=app.vault.orgs(), org=org, code=code)


def is_name_typed(org: ProtectedOrg, changes: int) -> bool:
    """Return True if the name of the org has to be typed to write this many records."""
    return org.identity.kind.may_be_production and changes > TYPED_FROM


def check_name_typed(org: ProtectedOrg, changes: int, typed: str) -> None:
    """Raise UsageError (``org-not-typed``) if the name has to be typed, and ``typed`` is not it."""
    if is_name_typed(org, changes) and typed.strip() != org.name:
        raise UsageError(
            "org-not-typed",
            "This restore writes to {org!r}, a production org. Its name was not entered to "
            "confirm this.",
            next_step="Enter {org} in the field, exactly as written here. On the command line, add "
            "`--confirm {org}`.",
            org=org.name,
        )


def check_file_typed(app: Application, plan: RestorePlan, org: ProtectedOrg, typed: str) -> None:
    """Raise UsageError (``org-not-typed``) as ``check_name_typed`` does, for a plan file.

    A user of the home's machine types the command there, and need not type the name as well.
    """
    if app.actor.kind in (ActorKind.PERSON, ActorKind.TOKEN):
        check_name_typed(org, summary(plan).changes, typed)
