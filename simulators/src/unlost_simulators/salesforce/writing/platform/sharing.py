"""Shares and teams: rows that Salesforce derives, and rows that users write.

A new record of an object with private sharing gets a share for its owner, a new team member one for
that member. Users write manual shares only. A new owner leaves neither manual shares nor team, for
REST and Bulk have no header that keeps them.

Sources: object reference (AccountShare, AccountTeamMember, OpportunityTeamMember), SOAP guide
(OwnerChangeOptions: KeepAccountTeam and KeepSalesTeam are false by default), Apex guide
(understanding sharing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef, Schema, Sharing
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

SHARE, CAUSE, WHO = "Share", "RowCause", "UserOrGroupId"
MANUAL, OWNER, TEAM = "Manual", "Owner", "Team"
ALL, READ = "All", "Read"
TEAMS: Mapping[str, str] = {
    "Account": "AccountTeamMember",
    "Opportunity": "OpportunityTeamMember",
}
OF_TEAM: Mapping[str, str] = {team: name for name, team in TEAMS.items()}
# The reference says that it is refused; code and words are the simulator's own.
NO_FULL_ACCESS = "All is not a valid access level for create or update."
TWICE = "The record is shared with this user or group more than once in the request."


def share_parent(of: ObjectDef) -> str:
    """The field of a share that names the shared record."""
    return "ParentId" if of.name.endswith("__Share") else f"{of.name.removesuffix(SHARE)}Id"


def shares_of(schema: Schema, of: ObjectDef) -> ObjectDef | None:
    """The object of the shares of a private object, if the org has it."""
    shares = schema.get(of.share_object) if of.share_object else None
    return shares if shares is not None and shares.field(CAUSE) is not None else None


def derive(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Give records that are new or back a share for their owner."""
    shares = shares_of(context.org.schema, context.of)
    keys = [draft.id or "" for draft in rows]
    if shares is not None and keys:
        owned = context.select(context.of.name, ["Id", "OwnerId"], '"Id" IN {values}', keys)
        _share(context, shares, [(row["Id"], row["OwnerId"]) for row in owned], OWNER)


def hand_over(context: WriteContext, rows: Sequence[Draft]) -> None:
    """Take teams and manual shares from records with another owner, who gets the owner's share."""
    owners = {
        draft.id or "": str(draft.cells["OwnerId"]) for draft in rows if draft.changes("OwnerId")
    }
    if not owners:
        return
    team = context.org.schema.get(TEAMS.get(context.of.name, ""))
    if team is not None:
        _remove(context, team.name, f'"{context.of.name}Id" IN {{values}}', [*owners])
    shares = shares_of(context.org.schema, context.of)
    if shares is not None:
        gone = f"\"{share_parent(shares)}\" IN {{values}} AND \"{CAUSE}\" IN ('Manual', 'Owner')"
        _remove(context, shares.name, gone, [*owners])
        _share(context, shares, [*owners.items()], OWNER)


def _remove(context: WriteContext, name: str, where: str, values: Sequence[str]) -> None:
    rows = context.select(name, ["Id"], where, values)
    context.delete(name, [row["Id"] for row in rows])


def _share(
    context: WriteContext, shares: ObjectDef, pairs: Sequence[tuple[Any, Any]], cause: str
) -> None:
    """Create a share for each pair of a record and a user."""
    level = ALL if cause == OWNER else READ
    levels = {field.name: level for field in _levels(shares)}
    rows = [
        {share_parent(shares): record, WHO: user, CAUSE: cause, **levels}
        for record, user in pairs
        if user is not None
    ]
    context.create(shares.name, rows)


def _levels(shares: ObjectDef) -> list[FieldDef]:
    return [field for field in shares.stored if field.name.endswith("AccessLevel")]


class Shares(Effects):
    """Shares: users write manual ones; an equal share is changed and not created again."""

    reads = (CAUSE,)

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Name the cause, and turn shares that exist into updates of them."""
        if context.by_platform or context.of.field(CAUSE) is None:
            return
        for draft in rows:
            draft.cells[CAUSE] = draft.cells.get(CAUSE) or MANUAL
            if not _users_own(draft.cells[CAUSE]):
                draft.refuse(refusals.NO_ACCESS)
            _check_level(draft, context)
        _recognize([draft for draft in rows if draft.sound], context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse changes of derived shares."""
        if not context.by_platform:
            _refuse_derived(rows, context)
            for draft in rows:
                _check_level(draft, context)

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse deletes of derived shares."""
        if not context.by_platform:
            _refuse_derived(rows, context)


def _users_own(cause: object) -> bool:
    """True for shares that users write: manual ones, and those with a reason of the org's own."""
    return cause == MANUAL or str(cause).endswith("__c")


def _refuse_derived(rows: Sequence[Draft], context: WriteContext) -> None:
    for draft in rows if context.of.field(CAUSE) is not None else ():
        if not _users_own((draft.before or {}).get(CAUSE)):
            draft.refuse(refusals.NO_ACCESS)


def _check_level(draft: Draft, context: WriteContext) -> None:
    """Refuse full access, and access that everybody has by the org's defaults."""
    shared = context.org.schema.get(_shared_name(context.of))
    public = shared is not None and shared.sharing is Sharing.PUBLIC
    for field in _levels(context.of):
        level = draft.cells.get(field.name)
        if level == ALL:
            draft.fail("FIELD_INTEGRITY_EXCEPTION", NO_FULL_ACCESS, field.name)
        elif level is not None and public:
            text = (
                f"field integrity exception: {field.name} (trivial share level {level}, for "
                "organization with default level Edit)"
            )
            draft.fail("FIELD_INTEGRITY_EXCEPTION", text, field.name)


def _shared_name(shares: ObjectDef) -> str:
    name = shares.name
    return name.replace("__Share", "__c") if name.endswith("__Share") else name[: -len(SHARE)]


def _recognize(rows: Sequence[Draft], context: WriteContext) -> None:
    parent = share_parent(context.of)
    keys = [str(draft.cells.get(parent)) for draft in rows]
    stored = context.select(
        context.of.name, ["Id", parent, WHO, CAUSE], f'"{parent}" IN {{values}}', keys
    )
    known = {(row[parent], row[WHO], row[CAUSE]): row["Id"] for row in stored}
    seen: set[tuple[Any, Any, Any]] = set()
    for draft in rows:
        key = (draft.cells.get(parent), draft.cells.get(WHO), draft.cells[CAUSE])
        if key in seen:
            draft.fail("DUPLICATE_VALUE", TWICE)
        draft.id = known.get(key)
        seen.add(key)


class TeamMembers(Effects):
    """Members of teams, each with a share."""

    reads = ("AccountId", "OpportunityId", "UserId")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Turn members who are there into updates of them."""
        parent = _team_parent(context)
        keys = [str(draft.cells.get(parent)) for draft in rows]
        stored = context.select(
            context.of.name, ["Id", parent, "UserId"], f'"{parent}" IN {{values}}', keys
        )
        known = {(row[parent], row["UserId"]): row["Id"] for row in stored}
        for draft in rows:
            draft.id = known.get((draft.cells.get(parent), draft.cells.get("UserId")))

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Share the records with their new members."""
        shares = _shares_of_team(context)
        parent = _team_parent(context)
        if shares is not None:
            pairs = [(draft.cells[parent], draft.cells["UserId"]) for draft in rows]
            _share(context, shares, pairs, TEAM)

    def after_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Remove the shares of members who left."""
        shares = _shares_of_team(context)
        if shares is None:
            return
        parent = share_parent(shares)
        gone = {(draft.value(_team_parent(context)), draft.value("UserId")) for draft in rows}
        stored = context.select(
            shares.name,
            ["Id", parent, WHO],
            f'"{CAUSE}" = \'{TEAM}\' AND "{parent}" IN {{values}}',
            [str(record) for record, _ in gone],
        )
        context.delete(
            shares.name, [row["Id"] for row in stored if (row[parent], row[WHO]) in gone]
        )


def _team_parent(context: WriteContext) -> str:
    return f"{OF_TEAM[context.of.name]}Id"


def _shares_of_team(context: WriteContext) -> ObjectDef | None:
    shared = context.org.schema.get(OF_TEAM[context.of.name])
    return None if shared is None else shares_of(context.org.schema, shared)
