"""Which effects belong to which object. A new module of effects adds its line here."""

from __future__ import annotations

from collections.abc import Mapping

from unlost_simulators.salesforce.writing.effects import Effects

BY_OBJECT: Mapping[str, Effects] = {}


def effects_of(name: str) -> Effects:
    """The effects of an object; those of most objects do nothing."""
    return BY_OBJECT.get(name, NOTHING)


NOTHING = Effects()
