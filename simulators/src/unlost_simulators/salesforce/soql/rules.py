"""Refusals that belong to one object: filters that it requires or does not know, time windows.

Texts: SOQL and SOSL reference (object query limits) and answers of live orgs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import date as Day  # noqa: N812

from unlost_simulators.salesforce.model.schema import FieldType, ObjectDef
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.soql.functions import is_aggregate
from unlost_simulators.salesforce.soql.grammar import ast, dates, refusals
from unlost_simulators.salesforce.soql.names import CompileContext

LINK_FILTER = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
    "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN "
    "operator."
)
LINK_OTHER = (
    "Implementation restriction: filtering on non-id fields is only permitted when filtering by "
    "ContentDocumentLink.LinkedEntityId using the equals operator."
)
TIMEOUT = "Your query request was running for too long."
LINKS = "ContentDocumentLink"
_SAME_AS = {
    "entitydefinition.qualifiedapiname": "entitydefinitionid",
    "entitydefinition.durableid": "entitydefinitionid",
}
"""Paths that pin a reified column as well as the column itself."""
_LINK_KEYS = frozenset({"id", "contentdocumentid", "linkedentityid"})


def conjuncts(node: ast.Condition | None) -> Iterator[ast.Condition]:
    """The conditions that must all hold."""
    if isinstance(node, ast.And):
        for part in node.parts:
            yield from conjuncts(part)
    elif node is not None:
        yield node


def leaves(node: ast.Condition | None) -> Iterator[ast.Condition]:
    """All comparisons of a condition."""
    match node:
        case None:
            return
        case ast.And(parts) | ast.Or(parts):
            for part in parts:
                yield from leaves(part)
        case ast.Not(part):
            yield from leaves(part)
        case _:
            yield node


def _name(node: ast.Condition, of: ObjectDef) -> str:
    """Name in lower case of the plain field that a comparison is about, without prefix."""
    expression = getattr(node, "expression", None)
    if not isinstance(expression, ast.Path):
        return ""
    names = expression.names
    if len(names) == 2 and names[0].lower() == of.name.lower():
        names = names[1:]
    written = ".".join(names).lower()
    return _SAME_AS.get(written, written)


def _pins(node: ast.Condition, *, allow_in: bool) -> bool:
    """Return true if a comparison is ``=`` or, where allowed, ``IN``."""
    if isinstance(node, ast.Compare):
        return node.operator == "="
    if isinstance(node, ast.Member | ast.SemiJoin):
        return allow_in and not node.negated
    return False


def check(context: CompileContext, of: ObjectDef, select: ast.Select) -> None:
    """Raise the refusal of the object's own rules, if the query breaks one."""
    rule = of.rule
    user = context.user
    if rule.needs_permission and not user.may(Permission(rule.needs_permission)):
        raise refusals.plain("INSUFFICIENT_ACCESS", rule.message or "insufficient access rights")
    _check_required(context, of, select)
    named = {_name(leaf, of) for leaf in leaves(select.where)}
    for name in rule.unfilterable:
        if name.lower() in named:
            raise refusals.cannot(context.soql, select.source_at, name, "filtered")
    if not rule.filters and (select.where is not None or select.order):
        raise refusals.plain(rule.code, rule.message)
    if not rule.aggregates and _aggregates(select):
        text = f"aggregate functions are not supported on {of.name}"
        raise refusals.malformed(context.soql, select.source_at, text)
    if of.name == LINKS:
        _check_links(of, select)
    _check_window(context, of, select)


def _aggregates(select: ast.Select) -> bool:
    plain = [item.expression for item in select.items if isinstance(item, ast.FieldItem)]
    return bool(select.group) or any(is_aggregate(expression) for expression in plain)


def _check_required(context: CompileContext, of: ObjectDef, select: ast.Select) -> None:
    rule = of.rule
    if not rule.required_filter:
        return
    if rule.lifted_by and context.user.may(Permission(rule.lifted_by)) and context.user.sees_all:
        return
    wanted = {name.lower() for name in rule.required_filter}
    pinned = any(
        _name(condition, of) in wanted and _pins(condition, allow_in=rule.allow_in)
        for condition in conjuncts(select.where)
    )
    if not pinned:
        text = rule.message or (LINK_FILTER if of.name == LINKS else _required_text(of))
        raise refusals.plain(rule.code, text)


def _required_text(of: ObjectDef) -> str:
    fields = list(of.rule.required_filter)
    listed = ", ".join(fields[:-1]) + f" or {fields[-1]}" if len(fields) > 1 else fields[0]
    return (
        f"Implementation restriction: {of.name} requires a filter by a single Id, {listed} "
        "using the equals operator"
    )


def _check_links(of: ObjectDef, select: ast.Select) -> None:
    """Conditions on other fields of a link go only with ``LinkedEntityId =``."""
    conditions = list(leaves(select.where))
    others = [leaf for leaf in conditions if _name(leaf, of) not in _LINK_KEYS]
    by_ids = any(_name(leaf, of) in _LINK_KEYS for leaf in conditions)
    by_entity = any(
        _name(condition, of) == "linkedentityid" and _pins(condition, allow_in=False)
        for condition in conjuncts(select.where)
    )
    if others and by_ids and not by_entity:
        raise refusals.plain("MALFORMED_QUERY", LINK_OTHER)


def _check_window(context: CompileContext, of: ObjectDef, select: ast.Select) -> None:
    days = context.settings.query_windows.get(of.name)
    if days is None:
        return
    spans: dict[str, list[datetime | None]] = {}
    for condition in conjuncts(select.where):
        field = of.field(_name(condition, of))
        if field is not None and field.type is FieldType.DATETIME:
            if not isinstance(condition, ast.Compare):
                continue
            bounds = spans.setdefault(field.name, [None, None])
            _narrow(context, bounds, condition)
    for lower, upper in spans.values():
        if lower is not None and (upper or context.now) - lower <= timedelta(days=days):
            return
    raise refusals.plain("QUERY_TIMEOUT", TIMEOUT)


def _midnight(day: Day) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _narrow(context: CompileContext, bounds: list[datetime | None], node: ast.Compare) -> None:
    value = node.literal.value
    if isinstance(value, datetime):
        low = high = value
    else:
        span = dates.span(node.literal.text, context.now.date())
        if span is None:
            return
        low, high = _midnight(span.start), _midnight(span.end)
    if node.operator in {">", ">=", "="}:
        bounds[0] = low
    if node.operator in {"<", "<=", "="}:
        bounds[1] = high
