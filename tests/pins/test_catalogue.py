"""Each column of JSON is written as it was, and values of the release that was pinned are read."""

import json
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db.models import JSONField

from pins.catalogue import COLUMNS, WrittenHome, plain, put_drafts, read_look, write_home
from pins.pinned import check_lines, golden
from pins.shapes import value_shape

APPS = ("catalog", "socialaccount")
# Columns that only the sign-in library writes and reads.
FOREIGN = {("socialaccount", "extra_data")}
GOLDEN = json.loads(golden("catalogue.json"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenHome]:
    written = write_home(tmp_path_factory.mktemp("catalogue"))
    yield written
    written.world.close()


def test_each_column_of_json_is_pinned() -> None:
    columns = {
        (model, column.attname)
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, JSONField)
    }
    pinned = {(column.model, column.field) for column in COLUMNS.values()}
    assert pinned <= columns
    assert {(model._meta.app_label, name) for model, name in columns - pinned} <= FOREIGN


def test_each_column_has_golden_values() -> None:
    assert set(GOLDEN) == {*COLUMNS, "look"}


@pytest.mark.files
@pytest.mark.parametrize("name", GOLDEN)
def test_the_names_in_a_column_stay(home: WrittenHome, name: str) -> None:
    check_lines(list(value_shape(GOLDEN[name])), list(value_shape(home.values[name])))


@pytest.mark.files
@pytest.mark.parametrize("name", COLUMNS)
def test_golden_values_of_a_column_are_read(home: WrittenHome, name: str) -> None:
    COLUMNS[name].put(GOLDEN[name])
    assert plain(COLUMNS[name].read(home)) == GOLDEN[name]


@pytest.mark.files
def test_golden_values_of_a_look_are_read(home: WrittenHome) -> None:
    put_drafts(home, GOLDEN["look"])
    assert read_look(home) == GOLDEN["look"]["answer"]["looked"]
