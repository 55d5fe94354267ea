"""Next steps in the words of the console replace those of commands that exist."""

import string

import pytest

from house.templates import SOURCES, all_templates, sources
from unlost.web.console_steps import CONSOLE_STEPS


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_replaced_step_exists() -> None:
    texts = {template.text for template in all_templates()}
    # Outcomes of single records are no messages: their texts are in the files of the run.
    running = " ".join(
        " ".join(file.read_text("utf-8").replace('"\n', '"').split())
        for file in sources()
        if file.is_relative_to(SOURCES / "engine" / "restore" / "running")
    ).replace('" "', "")
    missing = [text for text in CONSOLE_STEPS if text not in texts and text not in running]
    assert missing == []


@pytest.mark.parametrize("step", CONSOLE_STEPS)
def test_the_words_of_the_console_name_no_command_and_only_known_arguments(step: str) -> None:
    words = CONSOLE_STEPS[step]
    assert "`unlost" in step
    assert "`" not in words
    assert places(words) <= places(step)
