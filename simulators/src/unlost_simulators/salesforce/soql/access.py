"""Visible rows of an object for a user: sharing, and visibility of files, as SQL conditions."""

from unlost_simulators.salesforce.model.schema import ObjectDef, Sharing
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.soql.names import CompileContext
from unlost_simulators.salesforce.store import tables

LINKS = "ContentDocumentLink"
DOCUMENTS = "ContentDocument"


def _ids(user: SimUser) -> str:
    return ", ".join(tables.text(record_id) for record_id in (user.id, *sorted(user.group_ids)))


def visible(context: CompileContext, of: ObjectDef, alias: str, depth: int = 0) -> str | None:
    """Condition for the rows that the user sees, or None when he sees all."""
    user = context.user
    if of.sharing is Sharing.FILES:
        return None if user.sees_all_files else _files(context, of, alias)
    if user.sees_all or of.sharing is Sharing.PUBLIC:
        return None
    if of.sharing is Sharing.PRIVATE:
        return _private(context, of, alias)
    return _by_parent(context, of, alias, depth)


def _private(context: CompileContext, of: ObjectDef, alias: str) -> str:
    who = _ids(context.user)
    owned = f'{alias}."OwnerId" IN ({who})' if of.field("OwnerId") else "TRUE"
    shares = context.schema.get(of.share_object) if of.share_object else None
    if shares is None:
        return f"({owned})"
    parent = "ParentId" if of.custom else f"{of.name}Id"
    return (
        f'({owned} OR {alias}."Id" IN (SELECT h.{tables.name(parent)} '
        f'FROM {tables.name(shares.name)} h WHERE h."UserOrGroupId" IN ({who})))'
    )


def _by_parent(context: CompileContext, of: ObjectDef, alias: str, depth: int) -> str | None:
    link = of.field(of.sharing_parent or "")
    parent = None if link is None else context.schema.get(link.targets[0])
    if link is None or parent is None or depth > 3:
        return None
    inner = f"p{depth}"
    condition = visible(context, parent, inner, depth + 1)
    if condition is None:
        return None
    key = f"{alias}.{tables.name(link.name)}"
    return (
        f'({key} IS NULL OR {key} IN (SELECT {inner}."Id" FROM {tables.name(parent.name)} '
        f"{inner} WHERE {condition}))"
    )


def _files(context: CompileContext, of: ObjectDef, alias: str) -> str:
    """Own files and files linked to the user; files of records are reached through their links."""
    who = _ids(context.user)
    if of.name == LINKS:
        return f"({_linked_here(context, alias, who)})"
    key = f'{alias}."Id"' if of.name == DOCUMENTS else f'{alias}."ContentDocumentId"'
    if context.schema.get(LINKS) is None:
        return f'({alias}."OwnerId" IN ({who}))'
    return (
        f'({alias}."OwnerId" IN ({who}) OR {key} IN (SELECT l."ContentDocumentId" '
        f'FROM "{LINKS}" l WHERE l."LinkedEntityId" IN ({who})))'
    )


def _linked_here(context: CompileContext, alias: str, who: str) -> str:
    """Links to the user, links of his files, and links of records that he sees."""
    parts = [f'{alias}."LinkedEntityId" IN ({who})']
    if context.schema.get(DOCUMENTS) is not None:
        parts.append(
            f'{alias}."ContentDocumentId" IN '
            f'(SELECT d."Id" FROM "{DOCUMENTS}" d WHERE d."OwnerId" IN ({who}))'
        )
    links = context.schema.get(LINKS)
    link = None if links is None else links.field("LinkedEntityId")
    for name in () if link is None else link.targets:
        target = context.schema.get(name)
        if target is None or target.sharing is Sharing.FILES or name == "User":
            continue
        condition = visible(context, target, "e") or "TRUE"
        parts.append(
            f'{alias}."LinkedEntityId" IN '
            f'(SELECT e."Id" FROM {tables.name(name)} e WHERE {condition})'
        )
    return " OR ".join(parts)
