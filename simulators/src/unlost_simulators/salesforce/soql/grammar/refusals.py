"""Error answers of queries: the texts of the API with the excerpt, the caret and the position."""

from unlost_simulators.salesforce.model.errors import SalesforceError

BEFORE = 40
AFTER = 40
"""Characters of the query shown before and after the place of an error."""


def at(soql: str, place: int, code: str, text: str) -> SalesforceError:
    """A refusal that points to a place of the query (0-based character)."""
    place = max(0, min(place, len(soql)))
    start = soql.rfind("\n", 0, place) + 1
    end = soql.find("\n", place)
    line = soql[start : end if end >= 0 else len(soql)]
    column = place - start
    cut = max(0, column - BEFORE)
    excerpt = line[cut : column + AFTER]
    row = soql.count("\n", 0, place) + 1
    caret = " " * (column - cut) + "^"
    message = f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column + 1}\n{text}"
    return SalesforceError(400, code, message)


def plain(code: str, text: str) -> SalesforceError:
    """A refusal of a query without a position."""
    return SalesforceError(400, code, text)


def unexpected(soql: str, place: int, token: str) -> SalesforceError:
    """A syntax error."""
    return at(soql, place, "MALFORMED_QUERY", f"unexpected token: '{token}'")


_REFERENCE = "Please reference your WSDL or the describe call for the appropriate names."


def no_object(soql: str, place: int, name: str) -> SalesforceError:
    """The object does not exist, or is hidden from the user."""
    return at(
        soql,
        place,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
        f"be sure to append the '__c' after the entity name. {_REFERENCE}",
    )


def no_field(soql: str, place: int, name: str, entity: str) -> SalesforceError:
    """The field does not exist, or is hidden from the user."""
    return at(
        soql,
        place,
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom "
        f"field, be sure to append the '__c' after the custom field name. {_REFERENCE}",
    )


def no_parent(soql: str, place: int, name: str) -> SalesforceError:
    """No parent relationship has that name."""
    return at(
        soql,
        place,
        "INVALID_FIELD",
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a "
        "custom relationship, be sure to append the '__r' after the custom relationship name. "
        f"{_REFERENCE}",
    )


def no_children(soql: str, place: int, name: str) -> SalesforceError:
    """No child relationship has that name."""
    return at(
        soql,
        place,
        "INVALID_TYPE",
        f"Didn't understand relationship '{name}' in FROM part of query call. If you are "
        "attempting to use a custom relationship, be sure to append the '__r' after the custom "
        f"relationship name. {_REFERENCE}",
    )


def not_queryable(name: str) -> SalesforceError:
    """The object exists and cannot be queried."""
    return plain("INVALID_TYPE_FOR_OPERATION", f"entity type {name} does not support query")


def cannot(soql: str, place: int, name: str, what: str) -> SalesforceError:
    """The field cannot be filtered, sorted or grouped."""
    code = "INVALID_FIELD" if what == "filtered" else "MALFORMED_QUERY"
    return at(soql, place, code, f"field '{name}' can not be {what} in a query call")


def wrong_type(soql: str, place: int, name: str, wanted: str) -> SalesforceError:
    """A literal of another type than the field's."""
    quoted = "should be" if wanted in {"string", "id"} else "should not be"
    return at(
        soql,
        place,
        "INVALID_FIELD",
        f"value of filter criterion for field '{name}' must be of type {wanted} and {quoted} "
        "enclosed in quotes",
    )


def bad_id(soql: str, place: int, value: str) -> SalesforceError:
    """A text that is no id, compared with an id."""
    return at(soql, place, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")


def bad_operator(soql: str, place: int) -> SalesforceError:
    """An operator that the field's type does not know."""
    return at(soql, place, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator")


def malformed(soql: str, place: int, text: str) -> SalesforceError:
    """MALFORMED_QUERY with a position."""
    return at(soql, place, "MALFORMED_QUERY", text)
