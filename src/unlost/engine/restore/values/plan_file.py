"""A plan as a file: canonical JSON, sealed by a key of the vault, and not trusted when read.

The hash in a plan finds accidents. Anyone can compute it, so it proves nothing about who made the
plan. The seal of the file does: it is a code over the whole plan under a key of the vault. It is
a field of the file only, and not of the plan in the journal, which the vault seals anyway.
"""

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from io import BytesIO
from itertools import batched, chain

import msgspec
from blake3 import blake3

from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError, UsageError
from unlost.model.plan import PLAN_FORMAT, PlanStep, RestorePlan

BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # the last: nested too deep
# left out if empty, so that a plan without them reads as plans did before these existed
LATER = ("typed", "choices", "empty", "twins", "bypass", "pointers", "takes_back")
LATER_IN_SELECTION = (
    "by", "change", "run", "beside", "overwritten", "policy", "run_entries", "seen",
)  # fmt: skip
LATER_IN_POLICY = (
    "ids", "include", "second_copy", "hard_delete", "pointer", "keep_days", "order", "unreferenced",
)  # fmt: skip
LATER_IN_STEPS = ("taken", "taken_digest", "beside", "group", "copied")
LATER_IN_TYPED = ("taken",)
LATER_IN_NOTES = ("template", "next_template", "args")
ANEW = "Make a new plan with `unlost restore plan ORG`."
STEPS = 1_000  # of a plan that are in memory as text at a time, apart from the whole text

type PlanCode = Callable[[bytes], bytes]
"""Return the code of a plan under a key of the vault (HMAC)."""


class _Head(msgspec.Struct):
    """The part of a plan that every format has."""

    format: int


class _Seal(msgspec.Struct):
    """The field that only the file of a plan has: hex digits."""

    seal: str = ""


def sealed(plan: RestorePlan) -> RestorePlan:
    """The plan with the hash of all its other content."""
    return replace(plan, digest=_digest(plan))


def write_plan(plan: RestorePlan, *, code: PlanCode | None = None) -> bytes:
    """The file of a plan; with ``code``, sealed, so that it can be run."""
    seal = code(_joined(_pieces(plan))).hex() if code is not None else ""
    return _joined(chain(_pieces(plan, seal=seal), (b"\n",)))


def read_plan(
    data: bytes,
    *,
    known: Collection[str] | None = None,
    org: str | None = None,
    code: PlanCode | None = None,
) -> RestorePlan:
    """The plan of a file. ``known`` are the oids of the vault, ``org`` the oid of the intended org.

    Only with ``code`` is it proved that the vault's own Unlost made the plan. Raises UsageError:
    ``plan-unreadable``, ``plan-newer``, ``plan-unknown-fields``, ``plan-other-vault``,
    ``plan-other-org``; IntegrityError: ``plan-edited``, ``plan-unproved``.
    """
    _check_format(data)
    try:
        plan, seal = decoder_for(RestorePlan).decode(data), decoder_for(_Seal).decode(data).seal
    except BROKEN as error:
        raise _unreadable(str(error)) from None
    _check_fields(data, plan, seal)
    if _digest(plan) != plan.digest:
        raise IntegrityError(
            "plan-edited",
            "The plan was changed after it was made: its hash does not match.",
            next_step=ANEW,
        )
    _check_home(plan, known, org)
    if code is not None and not _is_code(code(_joined(_pieces(plan))), seal):
        raise IntegrityError(
            "plan-unproved",
            "This vault did not seal the plan as it is: another program made or changed it, or "
            "the vault has a new master key since.",
            next_step=ANEW,
        )
    return plan


def _is_code(code: bytes, seal: str) -> bool:
    return hmac.compare_digest(code.hex().encode(), seal.encode())


def _digest(plan: RestorePlan) -> str:
    text = blake3()
    for piece in _pieces(replace(plan, digest="")):
        text.update(piece)
    return text.hexdigest()


def _joined(pieces: Iterable[bytes]) -> bytes:
    text = BytesIO()  # it grows in place: a list of all pieces would need the memory twice
    text.writelines(pieces)
    return text.getvalue()


def _pieces(plan: RestorePlan, *, seal: str = "") -> Iterator[bytes]:
    """The text of a plan in pieces: a plan has many steps."""
    document = _document(plan, seal=seal)
    for at, name in enumerate(sorted({*document, "steps"})):
        yield b'%s"%s":' % (b"," if at else b"{", name.encode())
        if name == "steps":
            yield from _step_pieces(plan.steps)
        else:
            yield msgspec.json.encode(document[name], order="sorted")
    yield b"}"


def _step_pieces(steps: Sequence[PlanStep]) -> Iterator[bytes]:
    yield b"["
    for at, part in enumerate(batched(steps, STEPS)):
        text = msgspec.json.encode(_lean(msgspec.to_builtins(part), LATER_IN_STEPS), order="sorted")
        yield b"%s%s" % (b"," if at else b"", text[1:-1])
    yield b"]"


def _document(plan: RestorePlan, *, seal: str) -> dict[str, object]:
    """The fields of a plan, without its steps."""
    document = {field.name: getattr(plan, field.name) for field in fields(plan)}
    del document["steps"]
    if seal:
        document["seal"] = seal
    document["typed"] = _without_empty(msgspec.to_builtins(plan.typed), LATER_IN_TYPED)
    for name in LATER:
        if not getattr(plan, name):
            del document[name]
    selection = msgspec.to_builtins(plan.selection)
    if plan.selection.policy is not None:
        selection["policy"] = _without_empty(selection["policy"], LATER_IN_POLICY)
        if not plan.selection.policy.frees_versions:
            del selection["policy"]["old_versions"]
    document["selection"] = _without_empty(selection, LATER_IN_SELECTION)
    document["notes"] = [
        _without_empty(msgspec.to_builtins(note), LATER_IN_NOTES) for note in plan.notes
    ]
    return document


def _lean(
    steps: Sequence[dict[str, object]], later: Collection[str]
) -> Sequence[dict[str, object]]:
    """The steps without fields that are empty; they are many, so they are changed in place."""
    for step in steps:
        for name in later:
            if not step[name]:
                del step[name]
    return steps


def _without_empty(part: dict[str, object], later: Collection[str]) -> dict[str, object]:
    return {name: value for name, value in part.items() if value or name not in later}


def _check_format(data: bytes) -> None:
    try:
        head = decoder_for(_Head).decode(data)
    except BROKEN as error:
        raise _unreadable(str(error)) from None
    if head.format > PLAN_FORMAT:
        raise UsageError(
            "plan-newer",
            "The plan has format {format}. This release of Unlost reads format {plan_format}.",
            next_step="Use the release that made the plan, or make a new plan with this release.",
            format=head.format,
            plan_format=PLAN_FORMAT,
        )


def _check_fields(data: bytes, plan: RestorePlan, seal: str) -> None:
    """Raise UsageError (``plan-unreadable``, ``plan-unknown-fields``) for parts that were skipped."""
    # An unedited file of this release is canonical; only other files are compared field by field.
    if _is_text(data, _pieces(plan, seal=seal)):
        return
    try:
        document = msgspec.json.decode(data)  # what a typed reading skips may be no text at all
    except BROKEN as error:
        raise _unreadable(str(error)) from None
    document.pop("seal", None)
    extra = next(_unknown(document, msgspec.to_builtins(plan), ""), None)
    if extra is not None:
        raise UsageError(
            "plan-unknown-fields",
            "The plan contains a field that this release of Unlost does not know: {field}.",
            next_step=ANEW,
            field=extra,
        )


def _is_text(data: bytes, pieces: Iterable[bytes]) -> bool:
    """True if a file has exactly these pieces, apart from space at its end."""
    at = 0
    for piece in pieces:
        if not data.startswith(piece, at):
            return False
        at += len(piece)
    return not data[at:].strip()


def _unknown(document: object, understood: object, place: str) -> Iterator[str]:
    """Paths in the file that were not understood."""
    if isinstance(document, dict) and isinstance(understood, dict):
        for name, value in document.items():
            if name in understood:
                yield from _unknown(value, understood[name], f"{place}.{name}")
            else:
                yield f"{place}.{name}".removeprefix(".")
    elif isinstance(document, list) and isinstance(understood, (list, tuple)):
        for at, (item, other) in enumerate(zip(document, understood, strict=True)):
            yield from _unknown(item, other, f"{place}[{at}]")


def _check_home(plan: RestorePlan, known: Collection[str] | None, org: str | None) -> None:
    if known is not None and plan.org not in known:
        raise UsageError(
            "plan-other-vault",
            "The plan was made with another vault. This vault does not know its org.",
            next_step="Use the home in which the plan was made.",
        )
    if org is not None and plan.org != org:
        raise UsageError(
            "plan-other-org",
            "The plan was made for another org of this vault.",
            next_step="Use the org of the plan, or make a new plan.",
        )


def _unreadable(reason: str) -> UsageError:
    return UsageError(
        "plan-unreadable",
        "The file is not a restore plan: {reason}.",
        next_step="Use a file that `unlost restore plan` wrote.",
        reason=reason,
    )
