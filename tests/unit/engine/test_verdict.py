"""Any one gap turns the verdict, wherever it is told; notes never do."""

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.vault.certificate import Verdict

PLACES = {"of no table": None, "of a table that is not read": "Elsewhere", "of a table": "Account"}


@pytest.mark.parametrize("table", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("severity", Severity)
def test_one_finding_of_the_connector_is_enough(
    scene: Scene, table: str | None, severity: Severity
) -> None:
    chocolate(scene)
    found = Finding(FindingKind.PERMISSION_MISSING, severity, "A word.", "Do this.", table=table)
    scene.org.findings.append(found)
    done = scene.night()
    lines = [finding for line in done.certificate.tables for finding in line.findings]
    assert [*done.certificate.findings, *lines] == [found]
    turned = done.certificate.verdict is Verdict.GAPS
    assert turned == (severity is Severity.GAP)
    assert ("1 gap" in done.certificate.sentence) == turned
