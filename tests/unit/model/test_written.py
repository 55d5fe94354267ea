"""An attribute has another name in the code than in documents, whoever writes or reads them."""

import pickle
from dataclasses import asdict, dataclass, fields, replace
from inspect import signature

import msgspec
import pydantic
import pytest

from unlost.model.decoders import decoder_for
from unlost.model.written import written


@written(records="held", removed="deleted")
@dataclass(frozen=True, slots=True)
class State:
    table: str
    records: int
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class States:
    states: tuple[State, ...]
    by_name: dict[str, State]


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    states: tuple[State, ...]
    at: int = msgspec.field(name="began", default=0)


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    state: State | None = None


STATE = State("Account", 3, ("A1",))
WRITTEN = {"table": "Account", "held": 3, "deleted": ["A1"]}


def test_the_code_has_its_own_names() -> None:
    assert (STATE.records, STATE.removed) == (3, ("A1",))
    assert repr(STATE) == "State(table='Account', records=3, removed=('A1',))"
    assert State("Account", records=3, removed=("A1",)) == STATE
    assert list(signature(State).parameters) == ["table", "records", "removed"]


def test_documents_have_the_written_ones() -> None:
    assert [one.name for one in fields(State)] == ["table", "held", "deleted"]
    assert asdict(STATE) == {**WRITTEN, "deleted": ("A1",)}
    assert msgspec.json.decode(msgspec.json.encode(STATE)) == WRITTEN
    assert msgspec.to_builtins([STATE])[0]["held"] == 3


def test_the_api_describes_attributes_by_their_written_names() -> None:
    @written(records="held")
    @dataclass(frozen=True, slots=True)
    class Described:
        """``records`` of ``table``."""

        table: str
        records: int

    assert Described.__doc__ == "``held`` of ``table``."


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (State, STATE),
        (State, State("Account", 0)),
        (States, States((STATE,), {"one": STATE})),
        (Opened | Closed, Opened((STATE,), 7)),
        (list[Opened | Closed], [Closed(STATE), Closed()]),
    ],
)
def test_what_is_written_is_read_again(kind: type, value: object) -> None:
    assert decoder_for(kind).decode(msgspec.json.encode(value)) == value
    assert decoder_for(kind).convert(msgspec.to_builtins(value)) == value


def test_the_name_in_the_code_is_not_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="held"):
        decoder_for(State).decode(b'{"table":"Account","records":3}')


def test_the_api_takes_and_describes_the_written_names() -> None:
    api = pydantic.TypeAdapter(States)
    assert api.validate_python({"states": [WRITTEN], "by_name": {}}) == States((STATE,), {})
    assert list(api.json_schema()["$defs"]["State"]["properties"]) == list(WRITTEN)


def test_a_copy_may_differ_in_any_attribute() -> None:
    assert replace(STATE, records=4) == State("Account", 4, ("A1",))
    assert replace(STATE, table="User").records == 3
    assert pickle.loads(pickle.dumps(STATE)) == STATE


def test_only_what_has_slots_can_be_written_so() -> None:
    with pytest.raises(TypeError, match="records"):

        @written(records="held")
        @dataclass(frozen=True)
        class Open:
            records: int = 0
