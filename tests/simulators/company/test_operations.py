"""Problems, changes and articles."""

import numpy as np

from unlost_simulators.company import it, operations
from unlost_simulators.company.times import OPENING


def every(maker, company, count: int) -> list:
    return list(maker(company, np.arange(count, dtype=np.int64)).records())


def test_problems_are_of_services(company) -> None:
    problems = every(operations.problems, company, 200)
    groups = {service.name: service.group for service in it.SERVICES}
    for problem in problems:
        assert groups[problem.service] == problem.group
        assert problem.subject.startswith(f"{problem.service}: ")
        assert (problem.closed is not None) == (problem.state == "Closed")
        assert problem.opened <= (problem.closed or OPENING) <= OPENING
    assert {problem.state for problem in problems} == set(operations.PROBLEM_STATES)


def test_changes_begin_after_they_were_opened(company) -> None:
    changes = every(operations.changes, company, 300)
    assert all(change.opened <= change.begins < change.ends for change in changes)
    assert {change.state for change in changes} == set(operations.CHANGE_STATES)
    assert any(change.begins > OPENING for change in changes)


def test_articles_are_html(company) -> None:
    articles = every(operations.articles, company, 50)
    assert len({article.title for article in articles}) == 50
    assert all(f"<h2>{article.title}</h2>" in article.html for article in articles)
    assert {article.published for article in articles} == {True, False}
