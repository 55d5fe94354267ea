"""Work of IT beside tickets: problems, changes, and articles of knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import chosen, digits, instants, joined, where
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.it import GROUPS, SERVICES
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import DAY, OPENING_SECONDS, created_at
from unlost_simulators.company.world import FIRST_GENERATED, Company

PROBLEM, CHANGE, ARTICLE = "Problem", "Change", "Article"
PROBLEM_STATES = ("New", "Root cause analysis", "Fix in progress", "Closed")
CHANGE_STATES = ("New", "Scheduled", "Implement", "Closed", "Canceled")
DAYS = 500
"""Problems, changes and articles are at most so old."""
_CAUSES = (
    "Speicherleck im Dienst",
    "配線の劣化",
    "Certificaat verlopen",
    "Falta de espaço em disco",
)
_WORKS = ("Update", "Neustart", "移行", "Troca de hardware", "Nieuwe firmware")
_HINTS = (
    "Zet het toestel uit en weer aan.", "Bitte zuerst das Netzwerkkabel prüfen.",
    "管理者に連絡してください。", "Limpe o cache e entre de novo.",
)  # fmt: skip
_NAMES = tuple(service.name for service in SERVICES)
_OWNERS = tuple(service.owner for service in SERVICES)
_GROUP_OF = tuple(service.group for service in SERVICES)
assert set(_GROUP_OF) <= {group.name for group in GROUPS}


@dataclass(frozen=True, slots=True)
class Problem:
    """The cause of incidents of a service; `owner` is an employee number."""

    number: int
    service: str
    group: str
    owner: str
    state: str
    subject: str
    text: str
    opened: datetime
    closed: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change to a service; `owner` is an employee number."""

    number: int
    service: str
    group: str
    owner: str
    kind: str
    state: str
    subject: str
    text: str
    opened: datetime
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Article:
    """An article about a service, in HTML; `author` is an employee number."""

    number: int
    service: str
    author: str
    title: str
    html: str
    published: bool
    written: datetime


def problems(company: Company[CompanySizes], problem: Numbers) -> Facts[Problem]:
    """Problems, by their numbers (from 0)."""
    rows = Rows(company.seed, PROBLEM, problem)
    service = rows.below("service", len(SERVICES))
    state = rows.weighted("state", (3, 3, 2, 6))
    opened = created_at(rows, days=DAYS)
    closed = np.minimum(opened + rows.below("days", 60 * DAY), OPENING_SECONDS)
    cause = rows.pick("cause", _CAUSES)
    columns = {
        "number": pa.array(problem + FIRST_GENERATED),
        **_of_service(service),
        "state": chosen(PROBLEM_STATES, state),
        "subject": joined(chosen(_NAMES, service), ": ", cause),
        "text": joined(cause, " (", digits(problem + 1), ")"),
        "opened": instants(opened),
        "closed": where(state == len(PROBLEM_STATES) - 1, instants(closed)),
    }
    return Facts(Problem, columns)


def changes(company: Company[CompanySizes], change: Numbers) -> Facts[Change]:
    """Changes, by their numbers (from 0); some are planned for days after the opening."""
    rows = Rows(company.seed, CHANGE, change)
    service = rows.below("service", len(SERVICES))
    opened = created_at(rows, days=DAYS)
    begins = opened + rows.below("wait", 20 * DAY)
    work = rows.pick("work", _WORKS)
    columns = {
        "number": pa.array(change + FIRST_GENERATED),
        **_of_service(service),
        "kind": rows.pick("kind", ("normal", "standard", "emergency")),
        "state": chosen(CHANGE_STATES, rows.weighted("state", (2, 2, 1, 8, 1))),
        "subject": joined(work, ": ", chosen(_NAMES, service)),
        "text": joined(work, "\r\n1. ", rows.pick("text", _HINTS), "\r\n2. OK?"),
        "opened": instants(opened),
        "begins": instants(begins),
        "ends": instants(begins + 3_600 * (1 + rows.below("hours", 8))),
    }
    return Facts(Change, columns)


def articles(company: Company[CompanySizes], article: Numbers) -> Facts[Article]:
    """Articles, by their numbers (from 0)."""
    rows = Rows(company.seed, ARTICLE, article)
    service = rows.below("service", len(SERVICES))
    title = joined(chosen(_NAMES, service), " – FAQ ", digits(article + 1))
    columns = {
        "number": pa.array(article + FIRST_GENERATED),
        "service": chosen(_NAMES, service),
        "author": chosen(_OWNERS, service),
        "title": title,
        "html": joined("<h2>", title, "</h2><p>", rows.pick("hint", _HINTS), "</p>"),
        "published": pa.array(rows.chance("published", 80)),
        "written": instants(created_at(rows, days=DAYS)),
    }
    return Facts(Article, columns)


def _of_service(service: Numbers) -> dict[str, pa.Array]:
    return {
        "service": chosen(_NAMES, service),
        "group": chosen(_GROUP_OF, service),
        "owner": chosen(_OWNERS, service),
    }
