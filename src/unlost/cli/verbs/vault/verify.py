"""unlost verify: verify that the vault is undamaged and its chain is complete."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import (
    AsJson,
    Bandwidth,
    CaFile,
    Credentials,
    Endpoint,
    Home,
    Hosted,
    Maintenance,
    Region,
)
from unlost.cli.place import vault_place
from unlost.cli.text import many, plain, size
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unlost.app.actions.vault.repair import RepairReport
    from unlost.app.actions.vault.verify import VerifyResult
    from unlost.vault.stores.address import StoreAddress

MIRROR = "mirror"
MOST_STRANGE = 12  # names of objects that do not belong to the vault, as many as fit on a screen

Level = Annotated[
    Literal["quick", "full", "deep"] | None,
    typer.Option(
        "--level",
        help="quick (default): all objects exist. full: every byte matches its hash. "
        "deep: decrypt, and recompute hashes and search.",
    ),
]
Part = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="N/OF",
        help="With --level full: verify only one part, such as 7/30.",
    ),
]
Salvage = Annotated[
    bool,
    typer.Option(
        "--salvage",
        help="Keep the readable parts of damaged objects that no copy has undamaged; give up the rest.",
    ),
]
Plan = Annotated[bool, typer.Option("--plan", help="With --salvage: only show what would be lost.")]
Yes = Annotated[bool, typer.Option("--yes", help="With --salvage: do not ask for confirmation.")]


def verify(
    *,
    level: Level = None,
    part: Part = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="HEAD",
            help="Fail unless the vault contains this head (12+ digits).",
        ),
    ] = None,
    repair_from: Annotated[
        str | None,
        typer.Option(
            "--repair-from",
            metavar="PLACE",
            help="Repair missing and damaged objects from another copy of the vault; "
            "“mirror” is its mirror.",
        ),
    ] = None,
    salvage: Salvage = False,
    plan: Plan = False,
    yes: Yes = False,
    endpoint: Endpoint = "",
    region: Region = "",
    hosted: Hosted = False,
    ca_file: CaFile = None,
    credentials: Credentials = None,
    maintenance: Maintenance = None,
    bandwidth: Bandwidth = 0,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Verify the vault. Exit code 1 if anything is missing, damaged or unproved.

    Exit code 3 if it is undamaged, and has objects that Unlost did not create.
    """
    if salvage:
        _check_salvage_options(level, part, expect)
        return _salvage(repair_from, plan=plan, yes=yes, home=home, json=json)
    _check_salvage_named(plan=plan, yes=yes)
    if repair_from is not None:
        _check_repair_options(level, part, expect)
        named = None if repair_from == MIRROR else repair_from
        place = vault_place(
            named,
            endpoint=endpoint,
            region=region,
            hosted=hosted,
            ca_file=ca_file,
            credentials=credentials,
            maintenance=maintenance,
            bandwidth=bandwidth,
        )
        return _repair(place, home=home, json=json)
    with opened(home) as application:
        from unlost.app.actions.vault.verify import verify as act
        from unlost.model.vault.snapshot import VerifyLevel, read_part

        some = read_part(part) if part else None
        result = act(application, level=VerifyLevel(level or "quick"), part=some, expect=expect)
    answer(result, as_json=json, show=_show)
    if not result.whole:
        return ExitCode.FAILED
    return ExitCode.FINDINGS if result.strange else ExitCode.OK


def _check_salvage_named(*, plan: bool, yes: bool) -> None:
    if plan or yes:
        raise UsageError(
            "salvage-not-named",
            "--plan and --yes work only with --salvage.",
            next_step="Add --salvage, or leave them out.",
        )


def _check_repair_options(*options: str | None) -> None:
    if any(option is not None for option in options):
        raise UsageError(
            "verify-repair-options",
            "--repair-from cannot be combined with --level, --part or --expect.",
            next_step="Leave them out. A repair checks every byte.",
        )


def _check_salvage_options(*options: str | None) -> None:
    if any(option is not None for option in options):
        raise UsageError(
            "salvage-options",
            "--salvage cannot be combined with --level, --part or --expect.",
            next_step="Leave them out. Salvage finds all damage itself.",
        )


def _salvage(
    repair_from: str | None, *, plan: bool, yes: bool, home: Home, json: AsJson
) -> ExitCode:
    if repair_from is not None:
        raise UsageError(
            "salvage-alone",
            "--repair-from and --salvage cannot be used together.",
            next_step="Run `unlost verify --repair-from PLACE`, then `unlost verify --salvage`.",
        )
    from unlost.cli.verbs.vault.salvage import salvage

    return salvage(plan=plan, yes=yes, home=home, json=json)


def _repair(place: "StoreAddress | None", *, home: Home, json: AsJson) -> ExitCode:
    with opened(home) as application:
        from unlost.app.actions.vault.repair import repair

        result = repair(application, place)
    answer(result, as_json=json, show=_show_repaired)
    return ExitCode.OK if result.whole else ExitCode.FAILED


def _show_repaired(out: Output, result: "RepairReport") -> None:
    if result.objects:
        back = f"{many(len(result.objects), 'object')}, {size(result.bytes)}"
        out.print(f"Repaired from {plain(result.place)}: {back}.")
        for name in result.objects:
            out.print(f"  - {name}")
    if result.whole:
        out.print("The vault is undamaged: every byte was checked.")
        return
    out.print(f"Still damaged, and not intact in {plain(result.place)} either:")
    for damage in result.still_damaged:
        out.print(f"  - {damage.object}: {plain(damage.sentence)}")


def _show(out: Output, result: "VerifyResult") -> None:
    checked = f"{many(result.objects, 'object')}, {size(result.bytes)}"
    if result.damages:
        out.print(f"The vault is damaged: {many(len(result.damages), 'object')} of {checked}.")
        for damage in result.damages:
            out.print(f"  - {damage.object}: {plain(damage.sentence)}")
        if any("/commits/" in damage.object for damage in result.damages):
            out.print(
                "A damaged commit may block its org. To see whether it does: unlost vault pending"
            )
        out.print("Repair them from a copy of the vault: unlost verify --repair-from PLACE")
        out.print("If no copy has them undamaged, keep the readable parts: unlost verify --salvage")
    else:
        how = f"{result.level}, part {result.part}" if result.part else result.level
        checked_part = "This part of the vault" if result.part else "The vault"
        out.print(f"{checked_part} is undamaged ({how}: {checked}).")
    for org, head in result.heads.items():
        out.print(f"Head of {org}: {head}")
    _show_unproved(out, result.unproved)
    _show_strange(out, result.strange)
    if result.expectation_met is False:
        out.print(
            f"The vault does NOT contain the head {result.expected}: commits are missing or replaced."
        )
        out.print(
            "Repair it from a copy of the vault that has them: unlost verify --repair-from PLACE"
        )
    elif result.expectation_met:
        out.print(f"It contains the expected head {result.expected}.")


def _show_strange(out: Output, names: "Sequence[str]") -> None:
    if not names:
        return
    out.print(f"{many(len(names), 'object')} that Unlost did not create, and does not use:")
    for name in names[:MOST_STRANGE]:
        out.print(f"  - {plain(name)}")
    if len(names) > MOST_STRANGE:
        out.print(f"  … {len(names) - MOST_STRANGE:,} more; --json lists them.")
    out.print("Find out who can write to the vault, and delete them there.")


def _show_unproved(out: Output, orgs: "Sequence[str]") -> None:
    for org in orgs:
        out.print(
            f"The head of {org} is UNPROVED: this home remembers no commit of it. If its newest "
            "commits were removed, nothing here shows it."
        )
    if orgs:
        out.print("Compare with a head that a certificate shows: unlost verify --expect HEAD")
