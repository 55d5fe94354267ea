"""Verify that the vault is undamaged."""

from collections.abc import Mapping
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
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
    """

    level: VerifyLevel
    objects: int
    bytes: int
    heads: Mapping[str, str]
    damages: tuple[Damage, ...]
    part: str = ""
    expected: str | None = None
    expectation_met: bool | None = None

    @property
    def whole(self) -> bool:
        """True if nothing is damaged and the expected head, if any, was found."""
        return not self.damages and self.expectation_met is not False


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
    report = app.damaged_vault.verify(level, part=part)
    damages = tuple(damage.text for damage in report.damages)
    now = app.clock.now()
    save_check(CheckRecord(now, level.value, report.objects, report.bytes, damages, part))
    names = app.names()
    return VerifyResult(
        level=report.level,
        objects=report.objects,
        bytes=report.bytes,
        heads={names.get(oid, oid): head for oid, head in report.heads.items()},
        damages=report.damages,
        part=str(part) if part else "",
        expected=wanted,
        expectation_met=_leads_to(app, wanted, report.heads) if wanted else None,
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


def _leads_to(app: Application, wanted: str, heads: Mapping[str, str]) -> bool:
    """Return True if a newest manifest, or a commit before it, has this hash."""
    known = [*heads.values()]
    known += [commit.head for oid in heads for commit in app.damaged_vault.commits(oid)]
    return any(head.startswith(wanted) for head in known)
