"""Typed words are taken as they are if they may be, and converted by Typer otherwise."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from unlost.cli.conversion import VerbCommand

LOADED: list[str] = []


def verb(
    name: Annotated[str, typer.Argument()] = "",
    *,
    number: Annotated[int, typer.Option(min=1)] = 1,
    many: Annotated[list[str] | None, typer.Option()] = None,
    place: Annotated[Path | None, typer.Option()] = None,
    folder: Annotated[Path | None, typer.Option(file_okay=False)] = None,
) -> dict[str, Any]:
    """A verb."""
    return {"name": name, "number": number, "many": many, "place": place, "folder": folder}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the verb; ``LOADED`` lists the parameters that Typer converted."""
    convert = typer.core.TyperOption.get_runtime_param

    def load(param: Any) -> Any:
        LOADED.append(param.name)
        return convert(param)

    LOADED.clear()
    for kind in (typer.core.TyperOption, typer.core.TyperArgument):
        monkeypatch.setattr(kind, "get_runtime_param", load)
    app = typer.Typer(add_completion=False)
    app.command(cls=VerbCommand)(verb)
    command = typer.main.get_command(app)
    return lambda *words: command.main(list(words), standalone_mode=False)


def test_texts_defaults_and_readable_paths_stay_as_they_are(typed: Any, tmp_path: Path) -> None:
    values = typed("Özlem", "--place", str(tmp_path))
    assert values["name"] == "Özlem"
    assert (values["number"], values["folder"]) == (1, None)
    assert values["place"] == tmp_path
    assert isinstance(values["place"], Path)
    assert set(LOADED) <= {"many"}  # Typer also decides what none of several values is


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (("--number", "7"), "number", 7),
        (("--many", "a", "--many", "b"), "many", ["a", "b"]),
        (("--place", "/nowhere"), "place", Path("/nowhere")),
        (("--folder", "/"), "folder", Path("/")),
    ],
)
def test_other_values_are_converted_by_typer(
    typed: Any, words: tuple[str, ...], name: str, value: object
) -> None:
    assert typed(*words)[name] == value
    assert name in LOADED


@pytest.mark.parametrize("words", [("--number", "x"), ("--number", "0"), ("--folder", __file__)])
def test_wrong_values_are_refused_as_before(typed: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(typer.TyperException):
        typed(*words)
