"""Verify that the vault is undamaged."""

from collections.abc import Mapping
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.catalog.runs.runs import recorded_commits
from unlost.catalog.vault.checks import save_check
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.snapshot import Damage, VerifyLevel, VerifyPart, read_part

SHORTEST_HEAD = 12


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The result of a verification. ``part`` is empty for the whole vault.

    ``heads`` are the hashes of the newest manifests by org name. ``expected`` is the head to check,
    ``expectation_met`` is True if the vault's chain still contains it (None if none was given).
    ``unproved``: orgs of which this home remembers no commit, and whose chain does not contain the
    expected head: if their newest commits were removed, nothing here shows it. ``strange``: objects
    that Unlost did not create and does not use.
    """

    level: VerifyLevel
    objects: int
    bytes: int
    heads: Mapping[str, str]
    damages: tuple[Damage, ...]
    part: str = ""
    expected: str | None = None
    expectation_met: bool | None = None
    unproved: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """True if nothing is damaged, all heads are proved, and the expected one was found."""
        return not self.damages and not self.unproved and self.expectation_met is not False


@action("vault.verify", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME)
def verify(
    app: Application,
    *,
    level: VerifyLevel,
    part: VerifyPart | None = None,
    expect: str | None = None,
) -> VerifyResult:
    """Verify the whole vault, or a part of it; raises UsageError for an invalid ``expect``."""
    if part is not None:
        read_part(str(part))
    if part is not None and level is not VerifyLevel.FULL:
        raise UsageError(
            "verify-part-level",
            "The level {level} cannot verify a part of the vault.",
            next_step="Use --part only with --level full.",
            level=level.value,
        )
    wanted = _head(expect) if expect else None
    report = app.damaged_vault.verify(level, part=part, recorded=recorded_commits())
    damages = tuple(damage.text for damage in report.damages)
    now = app.clock.now()
    save_check(CheckRecord(now, level.value, report.objects, report.bytes, damages, part))
    names = app.names()
    leading = _leading_to(app, wanted, report.heads) if wanted else frozenset()
    return VerifyResult(
        level=report.level,
        objects=report.objects,
        bytes=report.bytes,
        heads={names.get(oid, oid): head for oid, head in report.heads.items()},
        damages=report.damages,
        part=str(part) if part else "",
        expected=wanted,
        expectation_met=bool(leading) if wanted else None,
        unproved=tuple(names.get(oid, oid) for oid in report.unproved if oid not in leading),
        strange=report.strange,
    )


def _head(text: str) -> str:
    digits = text.strip().lower()
    if len(digits) < SHORTEST_HEAD or set(digits) - set("0123456789abcdef"):
        raise UsageError(
            "head-unreadable",
            "{text!r} is not the hash of a head.",
            next_step="Give at least {shortest_head} hexadecimal digits, as shown in a "
            "certificate or by an earlier `unlost verify`.",
            text=text,
            shortest_head=SHORTEST_HEAD,
        )
    return digits


def _leading_to(app: Application, wanted: str, heads: Mapping[str, str]) -> frozenset[str]:
    """Return the oids of orgs whose newest manifest, or a commit before it, has this hash."""
    newest = {oid for oid, head in heads.items() if head.startswith(wanted)}
    return frozenset(newest or {oid for oid in heads if _contains(app, oid, wanted)})


def _contains(app: Application, oid: str, wanted: str) -> bool:
    return any(commit.head.startswith(wanted) for commit in app.damaged_vault.commits(oid))
