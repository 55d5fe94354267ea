"""What tests of signing in share: people with a password, a browser that types it, and clean pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from homes import World
from unlost.app.actions.people.people import add
from unlost.catalog.people.audit import AuditEntry, newest
from unlost.model.access import Role

PASSWORD = "three brown mice"
NEW_PASSWORD = "four yellow cats"
QUERIES = 12
INLINE = re.compile(
    r"""<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\b(?:src|type="application/json")=?)"""
)


def person(world: World, name: str, *, role: Role = Role.VIEWER, email: str = "") -> Any:
    """Somebody with a password."""
    added = add(world.app, name, role=role, email=email)
    user = get_user_model().objects.get(pk=added.user)
    user.set_password(PASSWORD)
    user.save()
    return user


def browser(address: str = "127.0.0.1", **told: str) -> Client:
    """A browser at an address, which checks forgery as a real one is checked."""
    return Client(SERVER_NAME="localhost", REMOTE_ADDR=address, **told)  # type: ignore[arg-type]


def sign_in_as(client: Client, name: str, password: str = PASSWORD) -> Any:
    """The answer to a name and a password."""
    return client.post("/account/login/", {"login": name, "password": password})


def signed_in(client: Client) -> bool:
    """True if the browser sees pages."""
    return bool(client.get("/").status_code == 200)


def text(answer: Any) -> str:
    """The page, in one line, without the marks where long addresses may go on in the next line."""
    return re.sub(r"\s+", " ", answer.content.decode()).replace("<wbr>", "")


def clean(answer: Any) -> None:
    """Nothing on the page is against the policy."""
    assert not INLINE.findall(answer.content.decode())
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def noted(act: str) -> list[AuditEntry]:
    """What the audit has of it, the newest first."""
    return [one for one in newest(most=100) if one.deed.act == act]


@contextmanager
def few_queries(most: int = QUERIES) -> Iterator[None]:
    """A page asks the database no more often than is good."""
    with CaptureQueriesContext(connection) as asked:
        yield
    told = [query["sql"][:150] for query in asked]
    counted = [sql for sql in told if not sql.startswith(("BEGIN", "COMMIT"))]
    assert len(counted) <= most, "\n".join(counted)
