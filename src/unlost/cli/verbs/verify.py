"""unlost verify: is the vault whole, and does it still lead where it led?"""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain, size

if TYPE_CHECKING:
    from rich.console import Console

    from unlost.app.actions.verify import VerifyResult


def verify(
    *,
    level: Annotated[
        Literal["quick", "full", "deep"],
        typer.Option(
            "--level",
            help="quick: is all there. full: every byte against its digest. "
            "deep: decrypt, and compute hashes and search anew.",
        ),
    ] = "quick",
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            metavar="N/OF",
            help="With --level full: prove the bytes of one part alone, such as 7/30.",
        ),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="HEAD",
            help="Fail unless the vault leads to this head (12+ digits).",
        ),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Verify the vault; exit code 1 if anything is missing or damaged."""
    with opened(home) as application:
        from unlost.app.actions.verify import verify as act
        from unlost.model.snapshot import VerifyLevel, read_part

        some = read_part(part) if part else None
        result = act(application, level=VerifyLevel(level), part=some, expect=expect)
    answer(result, as_json=json, show=_show)
    return ExitCode.OK if result.whole else ExitCode.FAILED


def _show(out: "Console", result: "VerifyResult") -> None:
    looked = f"{many(result.objects, 'object')}, {size(result.bytes)}"
    if result.damages:
        out.print(f"The vault is damaged: {many(len(result.damages), 'object')} of {looked}.")
        for damage in result.damages:
            out.print(f"  - {damage.object}: {plain(damage.sentence)}")
        out.print(
            "Bring these objects back from a copy of the vault; no backup is made until then."
        )
    else:
        how = f"{result.level}, part {result.part}" if result.part else result.level
        out.print(f"The vault is whole ({how}: {looked}).")
    for org, head in result.heads.items():
        out.print(f"Head of {org}: {head}")
    if result.expectation_met is False:
        out.print(f"The vault does NOT lead to {result.expected}: commits are missing or replaced.")
    elif result.expectation_met:
        out.print(f"It leads to {result.expected}, as expected.")
