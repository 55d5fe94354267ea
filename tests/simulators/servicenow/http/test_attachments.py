"""Attachments: lists, bytes, uploads in both forms, rights of the record that holds them."""

import hashlib
import json
import sqlite3

import pytest

from simulators.servicenow.clients import BASE, Client
from unlost_simulators.kit.blobs import BlobRecipe

CONTENT = bytes(range(256)) * 9


@pytest.fixture
def incident(client: Client) -> str:
    return client.create("incident")["sys_id"]


def upload(client: Client, table: str, owner: str, *, kind: str = "image/png", **more: str):
    query = {"table_name": table, "table_sys_id": owner, "file_name": "fotö.png", **more}
    headers = {"Content-Type": kind} if kind else {}
    return client("POST", "attachment/file", params=query, content=CONTENT, headers=headers)


def test_an_uploaded_body_comes_back(client: Client, incident: str) -> None:
    answer = upload(client, "incident", incident)
    file = answer.json()["result"]
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/attachment/{file['sys_id']}")
    assert file["download_link"] == f"{BASE}/api/now/attachment/{file['sys_id']}/file"
    assert (file["size_bytes"], file["content_type"]) == ("2304", "image/png")
    assert file["hash"] == hashlib.sha256(CONTENT).hexdigest()
    got = client.get(f"attachment/{file['sys_id']}/file")
    assert got.headers["Content-Disposition"].endswith("''fot%C3%B6.png")
    assert got.content == CONTENT
    assert got.headers["Content-Type"] == "image/png"
    assert json.loads(got.headers["X-Attachment-Metadata"])["sys_id"] == file["sys_id"]
    assert client.get(f"attachment/{file['sys_id']}").json()["result"] == file


def test_a_new_attachment_never_has_an_old_sys_id(client: Client, incident: str) -> None:
    wanted = "f" * 32
    answer = upload(client, "incident", incident, sys_id=wanted)
    assert answer.json()["result"]["sys_id"] != wanted


def test_a_form_is_an_upload_too(client: Client, incident: str) -> None:
    answer = client(
        "POST", "attachment/upload", data={"table_name": "incident", "table_sys_id": incident},
        files={"uploadFile": ("a.pdf", CONTENT, "application/pdf")},
    )  # fmt: skip
    assert answer.status_code == 201
    assert answer.json()["result"]["file_name"] == "a.pdf"
    without = client(
        "POST", "attachment/upload", data={"table_name": "incident"}, files={"x": (None, b"y")}
    )
    assert without.status_code == 400
    assert client("POST", "attachment/upload", content=b"x").status_code == 400


def test_lists_page_by_offset_with_a_count_and_without_links(client: Client, incident: str) -> None:
    names = {upload(client, "incident", incident).json()["result"]["sys_id"] for _ in range(3)}
    query = f"table_name=incident^table_sys_id={incident}^ORDERBYsys_id"
    first = client.get("attachment", sysparm_query=query, sysparm_limit=2)
    assert first.headers["X-Total-Count"] == "3"
    assert "Link" not in first.headers
    second = client.get("attachment", sysparm_query=query, sysparm_limit=2, sysparm_offset=2)
    rows = [*first.json()["result"], *second.json()["result"]]
    assert [row["sys_id"] for row in rows] == sorted(names)


def test_the_hash_is_shown_by_some_releases_alone(client: Client, incident: str) -> None:
    upload(client, "incident", incident)
    client.admin("settings", attachment_hashes=False)
    (row,) = client.get("attachment").json()["result"]
    assert not {"hash", "chunk_size_bytes"} & set(row)


def test_the_time_may_be_given(client: Client, incident: str) -> None:
    file = upload(client, "incident", incident, creation_time="2020-01-01 00:00:00").json()[
        "result"
    ]
    assert file["sys_created_on"] == "2020-01-01 00:00:00"


def test_renaming_and_deleting(client: Client, incident: str) -> None:
    sys_id = upload(client, "incident", incident).json()["result"]["sys_id"]
    renamed = client("PATCH", f"attachment/{sys_id}", json={"file_name": "b.png"})
    assert renamed.status_code == 204
    assert client("PATCH", f"attachment/{sys_id}", json={}).status_code == 204
    assert client.get(f"attachment/{sys_id}").json()["result"]["file_name"] == "b.png"
    assert client("DELETE", f"attachment/{sys_id}").status_code == 204
    assert client.get(f"attachment/{sys_id}/file").status_code == 404


def test_refusals(client: Client, incident: str) -> None:
    assert upload(client, "incident", "0" * 32).status_code == 404
    assert upload(client, "no_such_table", incident).status_code == 400
    assert upload(client, "incident", incident, kind="").status_code == 400
    client.admin("settings", attachment_bytes=100)
    assert upload(client, "incident", incident).status_code == 400


def test_files_follow_the_rights_of_their_record(
    client: Client, agent: Client, incident: str
) -> None:
    sys_id = upload(client, "incident", incident).json()["result"]["sys_id"]
    client.admin("acls", table="incident", operation="write", roles=["nobody"])
    assert upload(agent, "incident", incident).status_code == 403
    assert agent("DELETE", f"attachment/{sys_id}").status_code == 403
    client.admin("acls", table="incident", operation="read", roles=["nobody"])
    assert agent.get("attachment").json()["result"] == []
    assert agent.get(f"attachment/{sys_id}").status_code == 404
    assert agent("PATCH", f"attachment/{sys_id}", json={"file_name": "x"}).status_code == 404


def test_files_of_image_columns_and_of_lost_tables(client: Client, incident: str) -> None:
    image = upload(client, "ZZ_YYincident", incident)
    assert image.json()["result"]["table_name"] == "ZZ_YYincident"
    client.create("sys_attachment", table_name="gone", table_sys_id="x", file_name="lost.txt")
    (row,) = client.get("attachment", table_name="gone").json()["result"]
    empty = client.get(f"attachment/{row['sys_id']}/file")
    assert (empty.content, empty.headers["Content-Type"]) == (b"", "application/octet-stream")


def test_contents_of_recipes_are_made_when_they_are_read(client: Client, incident: str) -> None:
    sys_id = upload(client, "incident", incident).json()["result"]["sys_id"]
    recipe = BlobRecipe("random", 7, 3_000_000)
    client.instance.store.load_recipes({sys_id: recipe.token()})
    assert client.get(f"attachment/{sys_id}/file").content == b"".join(recipe.chunks())


def test_an_upload_never_shows_a_row_without_its_bytes(
    client: Client, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(client.instance.store, "keep_bytes", fail)
    assert upload(client, "incident", incident).status_code == 500
    assert client.get("attachment").json() == {"result": []}


def test_files_of_rows_in_other_domains_are_read_by_those_who_disregard_domains(
    separated: Client,
) -> None:
    separated("POST", "table/incident", json={"sys_domain": "e" * 32})
    (row,) = separated.list("incident", sysparm_query_no_domain="true")
    assert upload(separated, "incident", row["sys_id"]).status_code == 404
    file = upload(separated, "incident", row["sys_id"], sysparm_query_no_domain="true")
    path = f"attachment/{file.json()['result']['sys_id']}/file"
    assert separated.get(path).status_code == 404
    assert separated.get(path, sysparm_query_no_domain="true").content == CONTENT
