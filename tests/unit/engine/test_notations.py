"""The same value in two notations is no change; a number that is none is kept, and is a gap."""

import pytest

from unit.engine.scene import Scene
from unlost.model.finding import FindingKind, Severity
from unlost.model.source.schema import WireKind
from unlost.model.vault.certificate import Verdict

# What Bulk and REST write for one value; the first was read first.
NOTATIONS = [
    (WireKind.DECIMAL, "139.758964", "139.758963999999984"),
    (WireKind.DECIMAL, "139.758963999999992", "139.758964"),
    (WireKind.DECIMAL, "1.0E7", "10000000.00"),
    (WireKind.INTEGER, "7", "7.0"),
    (WireKind.BOOLEAN, "true", "TRUE"),
    (WireKind.DATE, "2026-05-01", "2026-05-01T00:00:00.000Z"),
    (WireKind.TIME, "10:15:00.000Z", "10:15:00"),
    (WireKind.INSTANT, "2026-05-01T07:25:37.000Z", "2026-05-01T07:25:37.000+0000"),
]


def changed(scene: Scene) -> int:
    return scene.head.info.counts.changed


def placed(scene: Scene, kind: WireKind, text: str) -> str:
    scene.org.add_table("Place", {"Name": WireKind.TEXT, "Value": kind})
    return scene.org.create("Place", {"Name": "Tokyo", "Value": text})


@pytest.mark.parametrize(("kind", "first", "later"), NOTATIONS)
def test_the_same_value_in_two_notations_is_no_change(
    scene: Scene, kind: WireKind, first: str, later: str
) -> None:
    record = placed(scene, kind, first)
    assert scene.night().certificate.verdict is Verdict.COMPLETE
    scene.org.tables["Place"].records[record].cells["Value"] = later
    scene.night(full=True)
    assert changed(scene) == 0
    scene.org.tables["Place"].records[record].cells["Name"] = "Kyoto"
    scene.night(full=True)
    assert changed(scene) == 1, "the test would see a change"


def test_a_number_of_18_exact_digits_loses_none(scene: Scene) -> None:
    record = placed(scene, WireKind.DECIMAL, "1000000000000000.01")
    scene.night()
    assert scene.cells("Place", "Value")[record] == "1000000000000000.01"
    scene.org.tables["Place"].records[record].cells["Value"] = "1000000000000000.02"
    scene.night(full=True)
    assert changed(scene) == 1


@pytest.mark.parametrize("text", ["1542,50", "NaN", "1 542.50"])
def test_a_number_that_is_none_is_kept_and_is_a_gap(scene: Scene, text: str) -> None:
    record = placed(scene, WireKind.DECIMAL, text)
    scene.org.create("Place", {"Name": "Osaka", "Value": text})
    done = scene.night()
    assert scene.cells("Place", "Value")[record] == text
    assert done.certificate.verdict is Verdict.GAPS
    (line,) = [line for line in done.certificate.tables if line.table == "Place"]
    (finding,) = line.findings
    assert (finding.kind, finding.severity) == (FindingKind.COLUMN_UNREADABLE, Severity.GAP)
    assert (finding.table, finding.column) == ("Place", "Value")
    assert text not in finding.sentence, "a certificate has no values"
