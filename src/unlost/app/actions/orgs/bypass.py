"""Show and set the bypass of an org: the switch that its automation checks during restores."""

from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.bypass import LONGEST, bypass_of, save_bypass
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.bypass import Bypass, BypassKind
from unlost.model.errors import UsageError
from unlost.model.source.reading import Json


@dataclass(frozen=True, slots=True)
class OrgBypass:
    """The bypass of an org, None for none. ``kinds`` are those that its orgs can have."""

    org: str
    bypass: Bypass | None
    kinds: tuple[BypassKind, ...]


def _audited(result: OrgBypass) -> dict[str, Json]:
    return {"bypass": str(result.bypass or "")}


@action("bypass.show", Right.LOOK)
def show(app: Application, org: str) -> OrgBypass:
    """Show the bypass of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    return _result(app, known, bypass_of(known.oid))


@action("bypass.set", Right.MANAGE, trace=Trace.WRITE, detail=_audited)
def change(app: Application, org: str, *, kind: str = "", name: str = "") -> OrgBypass:
    """Set the bypass of an org; without a name it has none.

    The org is asked whether it has this bypass and whether the write user may switch it. It applies
    to plans that are made from now on. Raises UsageError (``bypass-kind``, ``bypass-name``,
    ``bypass-unknown``), NotAllowed (``bypass-refused``), NotFound, and errors of the org.
    """
    known = get_org(org)
    bypass = _named(app, known, kind.strip(), name.strip())
    if bypass is not None:
        with app.open_planning(known) as (access, _):
            if not access.bypass(bypass).on:
                access.check_bypass(bypass)
    save_bypass(known.oid, bypass)
    after_change(app)
    return _result(app, known, bypass)


# --- inside ---------------------------------------------------------------------------------------


def _named(app: Application, org: ProtectedOrg, kind: str, name: str) -> Bypass | None:
    if not name and not kind:
        return None
    known = [bypass_kind.kind for bypass_kind in _kinds(app, org)]
    if kind not in known:
        raise UsageError(
            "bypass-kind",
            "There is no kind of bypass with the name {kind!r}.",
            next_step="Use one of these kinds: {kinds}.",
            kind=kind,
            kinds=", ".join(known) or "–",
        )
    if not name or len(name) > LONGEST:
        raise UsageError(
            "bypass-name",
            "A bypass needs a name of at most {longest} characters.",
            next_step="Enter the name that the bypass has in the org.",
            longest=LONGEST,
        )
    return Bypass(kind, name)


def _kinds(app: Application, org: ProtectedOrg) -> tuple[BypassKind, ...]:
    return tuple(app.connector(org.identity.connector).bypass_kinds())


def _result(app: Application, org: ProtectedOrg, bypass: Bypass | None) -> OrgBypass:
    return OrgBypass(org.name, bypass, _kinds(app, org))
