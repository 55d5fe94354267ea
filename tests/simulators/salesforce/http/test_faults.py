"""Faults of Salesforce: which there are, and the answers that they give."""

import pytest

from unlost_simulators.kit.faults import AFTER_EFFECT, FaultKind
from unlost_simulators.salesforce.faults import (
    AFTERWARDS,
    INSTEAD,
    ROWS,
    SalesforceFault,
    SalesforceRule,
)
from unlost_simulators.salesforce.http import spoil


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.UNAVAILABLE_HTML, 503, None),
        (FaultKind.EMPTY_500, 500, None),
        (SalesforceFault.EDGE_420, 420, None),
        (SalesforceFault.EDGE_406, 406, None),
        (FaultKind.THROTTLED_429, 429, None),
        (SalesforceFault.REQUEST_LIMIT, 403, "REQUEST_LIMIT_EXCEEDED"),
        (SalesforceFault.EXPIRED_SESSION, 401, "INVALID_SESSION_ID"),
        (SalesforceFault.QUERY_TIMEOUT, 400, "QUERY_TIMEOUT"),
        (SalesforceFault.EXPIRED_LOCATOR, 404, "INVALID_QUERY_LOCATOR"),
        (FaultKind.GARBAGE, 200, None),
        (FaultKind.REFUSE, 400, "UNKNOWN_EXCEPTION"),
    ],
)
def test_answers_that_take_the_place_of_the_real_one(kind, status, code) -> None:
    answer = spoil.answer_instead(SalesforceRule(kind))
    assert answer.status == status
    if code is None:
        assert answer.document is None
    else:
        assert answer.document[0]["errorCode"] == code
        assert "fields" not in answer.document[0]


def test_every_kind_has_its_place() -> None:
    inside = {SalesforceFault.JOB_FAILED, SalesforceFault.LATE_COMMIT}
    assert INSTEAD | AFTERWARDS | AFTER_EFFECT | ROWS | inside == {*FaultKind, *SalesforceFault}
