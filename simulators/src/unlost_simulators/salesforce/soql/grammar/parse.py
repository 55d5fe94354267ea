"""SOQL text to syntax tree. Parsed trees are cached by their text."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.soql.grammar import ast, refusals

LONGEST_QUERY = 100_000
"""Characters of a query (SOQL limits)."""
LONGEST_STRING = 4_000
"""Characters of one string in WHERE (SOQL limits)."""

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_VALID_ESCAPES = frozenset("nrtbf'\"\\%_NRTBF")
_NO_ITEMS = re.compile(r"\s*SELECT\s+(FROM)\b", re.IGNORECASE)
_OFFSET = re.compile(r"[+\- ](\d\d):?(\d\d)$")


def unescape(raw: str) -> str:
    """The value of a string literal's inside."""

    def character(match: re.Match[str]) -> str:
        body = match.group(1)
        if body[0] == "u" and len(body) == 5:
            return chr(int(body[1:], 16))
        return _ESCAPES.get(body.lower(), body)

    return _ESCAPE.sub(character, raw)


def _instant(text: str) -> datetime:
    """The instant; a blank before the offset is a ``+`` that a URL turned into a blank."""
    match = _OFFSET.search(text)
    if match is None:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    sign = "-" if match.group().startswith("-") else "+"
    whole = f"{text[: match.start()]}{sign}{match[1]}:{match[2]}"
    return datetime.fromisoformat(whole).astimezone(UTC)


def _place(meta: Any) -> int:
    return int(getattr(meta, "start_pos", 0) or 0)


class _Build(Transformer[Token, Any]):
    """Builds the tree bottom-up; ``soql`` is needed for positions of errors."""

    def __init__(self, soql: str) -> None:
        super().__init__()
        self._soql = soql

    def path(self, children: list[Token]) -> ast.Path:
        (token,) = children
        return ast.Path(tuple(str(token).split(".")), token.start_pos or 0)

    def call(self, children: list[Any]) -> ast.FunctionCall:
        token, arguments = children
        return ast.FunctionCall(str(token), tuple(arguments or ()), token.start_pos)

    def call_args(self, children: list[Any]) -> list[Any]:
        return children

    def field_item(self, children: list[Any]) -> ast.FieldItem:
        expression, alias = (*children, None)[:2]
        return ast.FieldItem(expression, str(alias) if alias else None)

    def child(self, children: list[Any]) -> ast.ChildItem:
        return ast.ChildItem(children[0])

    def names(self, children: list[Token]) -> tuple[ast.Path, ...]:
        return tuple(self.path([name]) for name in children)

    def when(self, children: list[Any]) -> tuple[str, tuple[ast.Path, ...]]:
        return (str(children[0]), children[1])

    def else_(self, children: list[Any]) -> Any:
        return children[0]

    def typeof(self, children: list[Any]) -> ast.TypeOf:
        head, *branches, otherwise = children
        return ast.TypeOf(self.path([head]), tuple(branches), otherwise or ())

    def items(self, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def source(self, children: list[Any]) -> tuple[str, Any]:
        name, alias = (*children, None)[:2]
        return "source", (str(name), str(alias) if alias else None, name.start_pos)

    def scope(self, children: list[Any]) -> tuple[str, Any]:
        return "scope", str(children[0])

    def where(self, children: list[Any]) -> tuple[str, Any]:
        return "where", children[0]

    def having(self, children: list[Any]) -> tuple[str, Any]:
        return "having", children[0]

    @v_args(meta=True)
    def data_category(self, meta: Any, _children: list[Any]) -> tuple[str, Any]:
        raise refusals.unexpected(self._soql, _place(meta), "WITH")

    def rollup(self, children: list[Any]) -> tuple[str, list[Any]]:
        return str(children[0]), children[1:]

    def group(self, children: list[Any]) -> tuple[str, Any]:
        first = children[0]
        if isinstance(first, tuple):
            return "group", (first[0], tuple(first[1]))
        return "group", (None, tuple(children))

    def _word(self, children: list[Token]) -> str:
        return str(children[-1]).upper()

    direction = nulls_place = rollup_word = _word

    def ordering(self, children: list[Any]) -> ast.Ordering:
        expression, direction, nulls = children
        first = None if nulls is None else nulls == "FIRST"
        return ast.Ordering(expression, direction == "DESC", first)

    def order(self, children: list[Any]) -> tuple[str, Any]:
        return "order", tuple(children)

    def _count(self, token: Token) -> int:
        if not token.isdigit():
            raise refusals.unexpected(self._soql, token.start_pos or 0, str(token))
        return int(token)

    def limit(self, children: list[Token]) -> tuple[str, Any]:
        return "limit", self._count(children[0])

    def offset(self, children: list[Token]) -> tuple[str, Any]:
        return "offset", self._count(children[0])

    def purpose(self, children: list[Any]) -> tuple[str, Any]:
        return "purpose", str(children[1]).upper()

    @v_args(meta=True)
    def all_rows(self, meta: Any, _children: list[Any]) -> tuple[str, Any]:
        text = "ALL ROWS not allowed in this context"
        raise refusals.malformed(self._soql, _place(meta), text)

    def select(self, children: list[Any]) -> ast.Select:
        items, *clauses = children
        members: dict[str, Any] = {clause[0]: clause[1] for clause in clauses if clause is not None}
        name, alias, place = members.pop("source")
        rollup, group = members.pop("group", (None, ()))
        return ast.Select(
            items, name, alias, source_at=place, rollup=rollup, group=group, **members
        )

    def start(self, children: list[Any]) -> ast.Select:
        select: ast.Select = children[0]
        return select

    # Conditions

    def or_(self, children: list[Any]) -> ast.Or:
        return ast.Or(tuple(children))

    def and_(self, children: list[Any]) -> ast.And:
        return ast.And(tuple(children))

    def not_(self, children: list[Any]) -> ast.Not:
        return ast.Not(children[0])

    def group_(self, children: list[Any]) -> Any:
        return children[0]

    def compare(self, children: list[Any]) -> ast.Compare:
        expression, operator, literal = children
        return ast.Compare(expression, "!=" if operator == "<>" else str(operator), literal)

    def like(self, children: list[Any]) -> ast.Compare:
        return ast.Compare(children[0], "LIKE", children[2])

    def list_(self, children: list[Any]) -> tuple[ast.Literal, ...]:
        return tuple(children)

    def in_(self, children: list[Any]) -> ast.Member:
        return ast.Member(children[0], children[2])

    def not_in(self, children: list[Any]) -> ast.Member:
        return ast.Member(children[0], children[2], negated=True)

    def in_select(self, children: list[Any]) -> ast.SemiJoin:
        return ast.SemiJoin(children[0], children[2])

    def not_in_select(self, children: list[Any]) -> ast.SemiJoin:
        return ast.SemiJoin(children[0], children[2], negated=True)

    def includes(self, children: list[Any]) -> ast.Includes:
        return ast.Includes(children[0], children[1])

    def excludes(self, children: list[Any]) -> ast.Includes:
        return ast.Includes(children[0], children[1], negated=True)

    # Literals

    def string(self, children: list[Token]) -> ast.Literal:
        token = children[0]
        inside = str(token)[1:-1]
        for match in _ESCAPE.finditer(inside):
            body = match.group(1)
            if body[0] not in _VALID_ESCAPES and len(body) != 5:
                raise refusals.malformed(
                    self._soql, token.start_pos or 0, f"Illegal character sequence '\\{body}'"
                )
        value = unescape(inside)
        if len(value) > LONGEST_STRING:
            text = f"maximum length of a string in a filter is {LONGEST_STRING} characters"
            raise refusals.malformed(self._soql, token.start_pos or 0, text)
        return ast.Literal(ast.Kind.STRING, value, str(token), token.start_pos or 0)

    def _literal(self, kind: ast.Kind, value: ast.Plain, token: Token) -> ast.Literal:
        return ast.Literal(kind, value, str(token), token.start_pos or 0)

    def number(self, children: list[Token]) -> ast.Literal:
        return self._literal(ast.Kind.NUMBER, Decimal(str(children[0])), children[0])

    def datetime(self, children: list[Token]) -> ast.Literal:
        token = children[0]
        try:
            return self._literal(ast.Kind.DATETIME, _instant(str(token).upper()), token)
        except ValueError:
            raise self._no_date(token) from None

    def date(self, children: list[Token]) -> ast.Literal:
        token = children[0]
        try:
            return self._literal(ast.Kind.DATE, date.fromisoformat(str(token)), token)
        except ValueError:
            raise self._no_date(token) from None

    def time(self, children: list[Token]) -> ast.Literal:
        token = children[0]
        try:
            value = time.fromisoformat(str(token)[:-1])
        except ValueError:
            raise self._no_date(token) from None
        return self._literal(ast.Kind.TIME, value, token)

    def _no_date(self, token: Token) -> SalesforceError:
        return refusals.malformed(self._soql, token.start_pos or 0, f"Invalid date: {token}")

    def relative(self, children: list[Token]) -> ast.Literal:
        return self._literal(ast.Kind.RELATIVE, str(children[0]).upper(), children[0])

    def word(self, children: list[Token]) -> ast.Literal:
        token = children[0]
        word = str(token).upper()
        if word in {"TRUE", "FALSE"}:
            return self._literal(ast.Kind.BOOLEAN, word == "TRUE", token)
        if word == "NULL":
            return self._literal(ast.Kind.NULL, None, token)
        return self._literal(ast.Kind.RELATIVE, word, token)


@cache
def _grammar() -> Lark:
    text = (
        files("unlost_simulators.salesforce.soql.grammar").joinpath("soql.lark").read_text("utf-8")
    )
    return Lark(text, parser="lalr", propagate_positions=True, cache=True)


def parse(soql: str) -> ast.Select:
    """The tree of a query; raises the API's refusal of a text that is no query."""
    if len(soql) > LONGEST_QUERY:
        raise refusals.plain("QUERY_TOO_COMPLICATED", "SOQL statement is too long")
    return _parse(soql)


@lru_cache(maxsize=512)
def _parse(soql: str) -> ast.Select:
    try:
        tree = _grammar().parse(soql)
    except UnexpectedInput as error:
        raise _syntax(soql, error) from None
    try:
        select: ast.Select = _Build(soql).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return select


def _syntax(soql: str, error: UnexpectedInput) -> SalesforceError:
    empty = _NO_ITEMS.match(soql)
    if empty:
        return refusals.unexpected(soql, empty.start(1), empty[1])
    if isinstance(error, UnexpectedToken):
        token = error.token
        ended = token.type == "$END"
        place = len(soql) if ended else (token.start_pos or 0)
        return refusals.unexpected(soql, place, "<EOF>" if ended else str(token))
    place = error.pos_in_stream or 0
    if isinstance(error, UnexpectedCharacters):
        word = re.match(r"\w+|.", soql[place:], re.DOTALL)
        return refusals.unexpected(soql, place, word.group() if word else "<EOF>")
    return refusals.unexpected(soql, place, "<EOF>")
