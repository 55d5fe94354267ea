"""Plan files are run only as the vault's own Unlost sealed them, by whoever types the org's name."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from sweeps import parts_of
from unit.app.shop import Shop
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.app.actions.restores.kept_plan import choose, make_plan_now, run_stored_plan
from unlost.app.actions.restores.queued_restore import hand_over
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.restores import plan_files
from unlost.app.restores.plan_files import proved_plan
from unlost.catalog.models import Org, PlanRow, Run
from unlost.catalog.runs.plans import plan_content
from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.model.access import Role
from unlost.model.errors import IntegrityError
from unlost.model.plan import Action, RestorePlan

SHOW, RUN = "/api/v1/plan-files/show", "/api/v1/plan-files/run"

type Ask = Callable[..., Any]


@pytest.fixture
def ask(shop: Shop) -> Ask:
    """Sends a plan file, as a program with the token of a restorer does."""
    add(shop.app, "rita", role=Role.RESTORER)
    token = make(shop.app, "t", role=Role.RESTORER, owner="rita").text
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)

    def sent(path: str, content: bytes, **query: str) -> Any:
        words = "&".join(f"{name}={value}" for name, value in query.items())
        headers = {"Authorization": f"Bearer {token}"}
        media = "application/octet-stream"
        return client.generic("POST", f"{path}?{words}", content, media, headers=headers)

    return sent


@pytest.fixture
def plan_file(shop: Shop) -> bytes:
    return Path(shop.whole_plan().file).read_bytes()


def code_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


def changed(plan: RestorePlan) -> RestorePlan:
    """The plan with another decision, and with a hash that anyone can compute."""
    steps = [replace(step, action=Action.SKIP) for step in plan.steps]
    return sealed(replace(plan, steps=tuple(steps)))


def forgeries(shop: Shop, plan_file: bytes) -> Iterator[tuple[str, bytes]]:
    """The ways to make a plan file without the vault's key."""
    plan = read_plan(plan_file)
    seal = json.loads(plan_file)["seal"]
    yield "without a seal", write_plan(plan)
    yield "sealed again by its hash", write_plan(changed(plan))
    yield (
        "with the seal of another plan",
        write_plan(changed(plan), code=lambda _: bytes.fromhex(seal)),
    )
    yield "with a seal of zeros", write_plan(plan, code=lambda _: bytes(32))
    yield "with a text as a seal", json.dumps({**json.loads(plan_file), "seal": "sé"}).encode()
    stranger = shop.app.whole_vault.sealed.keys.successor()
    yield "sealed by another master key", write_plan(plan, code=stranger.plan_code)


def test_a_plan_that_was_sealed_again_is_refused(shop: Shop, ask: Ask, plan_file: bytes) -> None:
    for how, content in forgeries(shop, plan_file):
        for path in (SHOW, RUN):
            answer = ask(path, content)
            assert (answer.status_code, code_of(answer)) == (400, "plan-unproved"), how
        file = shop.out()
        file.write_bytes(content)
        for act in (run_plan, hand_over):
            with pytest.raises(IntegrityError) as refusal:
                act(shop.app, file)
            assert refusal.value.code == "plan-unproved", how
    assert shop.live("Contact") == {}
    assert not Run.objects.filter(kind="restore").exists()


def test_a_plan_that_was_sealed_again_in_the_database_is_refused(shop: Shop) -> None:
    wanted = RestoreRequest(PlanRequest("sales", lost=("2", "3")))
    view = make_plan_now(shop.app, "sales", choose(shop.app, "sales", wanted).plan)
    forged = write_plan(changed(read_plan(plan_content(view.plan))))
    PlanRow.objects.filter(id=view.plan).update(content=forged)
    with pytest.raises(IntegrityError) as refusal:
        run_stored_plan(shop.app, "sales", view.plan)
    assert refusal.value.code == "plan-unproved"


def test_a_plan_as_it_was_written_is_run(shop: Shop, ask: Ask, plan_file: bytes) -> None:
    assert ask(SHOW, plan_file).status_code == 200
    assert ask(RUN, plan_file).status_code == 200
    spaced = json.dumps(json.loads(plan_file), indent=2).encode()
    assert ask(SHOW, spaced).status_code == 200, "its text is another, its content is not"


def test_a_plan_from_before_a_new_master_key_is_refused(shop: Shop, plan_file: bytes) -> None:
    keys = shop.app.whole_vault.sealed.keys
    assert proved_plan(shop.app, plan_file).id
    other = keys.successor().plan_code(b"plan")
    assert other != keys.plan_code(b"plan")
    assert keys.plan_code(b"plan") != keys.mac("org", b"plan"), "a key for this purpose alone"


def test_running_a_plan_file_asks_for_the_name_of_a_production_org(
    shop: Shop, ask: Ask, plan_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "TYPED_FROM", 3)
    assert ask(RUN, plan_file).status_code == 200, "a sandbox"
    Run.objects.filter(kind="restore").delete()
    Org.objects.update(kind="production")
    for typed in ({}, {"typed": ""}, {"typed": "Sales"}, {"typed": "salse"}):
        answer = ask(RUN, plan_file, **typed)
        assert (answer.status_code, code_of(answer)) == (400, "org-not-typed")
        assert "--confirm sales" in answer.json()["error"]["next_step"]
    assert not Run.objects.filter(kind="restore").exists()
    assert ask(RUN, plan_file, typed="sales").status_code == 200


def test_a_word_that_the_operation_does_not_know_is_refused(ask: Ask, plan_file: bytes) -> None:
    assert ask(RUN, plan_file, type="sales").status_code == 422
    assert ask(SHOW, plan_file, typed="sales").status_code == 422


def damages(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The damages that happen to files, and those that people do to readers."""
    document = json.loads(content)
    yield "nothing", b""
    yield "zeros", bytes(100)
    yield "half", content[: len(content) // 2]
    yield "not UTF-8", content.replace(b"sales", b"\xff\xfe", 1)[:-3] + b"\xff"
    yield "an unknown name that is not UTF-8", b'{"\xe5": 1, ' + content[1:]
    yield "an unknown value that is not UTF-8", b'{"x": "\xe5", ' + content[1:]
    yield "half a character", b'{"x": "\\ud800", ' + content[1:]
    yield "deep", b"[" * 200_000 + b"]" * 200_000
    yield (
        "deep inside",
        content.rstrip()[:-1] + b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    )
    yield "a list", b"[1, 2]"
    yield "a number", b"1e999"
    for name in document:
        for value in (None, -1, 10**30, 1e308, "\x00", "x" * 10_000, [], {}, [None], {"": []}):
            if value != document[name]:
                yield f"{name} = {str(value)[:20]}", json.dumps({**document, name: value}).encode()
        without = {key: value for key, value in document.items() if key != name}
        if document[name]:  # an empty part says no more than a missing one
            yield f"without {name}", json.dumps(without).encode()
    steps = [{**document["steps"][0], "edits": {"Name": {"": 1}}}, 7, None]
    yield "strange steps", json.dumps({**document, "steps": steps}).encode()


def test_a_damaged_upload_is_a_wrong_request(shop: Shop, ask: Ask, plan_file: bytes) -> None:
    count = 0
    for count, (how, content) in enumerate(damages(plan_file)):
        answer = ask(RUN if count % 2 else SHOW, content)
        assert 400 <= answer.status_code < 500, (how, answer.status_code, answer.content[:300])
        assert code_of(answer).startswith("plan-"), how
    assert count > 150
    assert not Run.objects.filter(kind="restore").exists()


@pytest.mark.parametrize("share", parts_of(8, full=8))
def test_no_flipped_byte_and_no_cut_of_an_upload_is_a_fault(
    shop: Shop, ask: Ask, plan_file: bytes, share: int
) -> None:
    plan = read_plan(plan_file)
    for at in range(share * 7, len(plan_file) - 1, 8 * 7):
        flipped = bytearray(plan_file)
        flipped[at] ^= 1 << (at % 8)
        for content in (bytes(flipped), plan_file[:at]):
            answer = ask(SHOW, content)
            if answer.status_code == 200:  # another way to write the same: a time with `z` for `Z`
                assert read_plan(content) == plan, at
            else:
                assert 400 <= answer.status_code < 500, (at, answer.status_code)
