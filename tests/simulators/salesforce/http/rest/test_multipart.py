"""Bytes by JSON and by multipart, for one record and for collections."""

import base64
import json

import pytest

BODY = bytes(range(256)) * 40
EDGE = "b0undary"


def multipart(*parts: tuple[str, str, bytes, str | None]) -> tuple[bytes, dict[str, str]]:
    """Parts of name, type, content and file name."""
    made = b""
    for name, kind, content, filename in parts:
        disposition = f'form-data; name="{name}"'
        if filename is not None:
            disposition += f'; filename="{filename}"'
        made += (
            f"--{EDGE}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n".encode()
            + content
            + b"\r\n"
        )
    made += f"--{EDGE}--\r\n".encode()
    return made, {"Content-Type": f'multipart/form-data; boundary="{EDGE}"'}


def entity(row: dict, name: str = "entity_content"):
    return (name, "application/json", json.dumps(row).encode(), None)


def send(client, path: str, *parts, method: str = "POST"):
    content, headers = multipart(*parts)
    return client.call(method, path, content=content, headers=headers)


def body_of(client, key: str) -> bytes:
    answer = client.get(f"sobjects/Attachment/{key}/Body")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


@pytest.fixture
def account(client) -> str:
    return str(client.post("sobjects/Account", {"Name": "a"}).json()["id"])


def test_bytes_as_base64(client, account: str) -> None:
    row = {"Name": "a", "ParentId": account, "Body": base64.b64encode(BODY).decode()}
    answer = client.post("sobjects/Attachment", row)
    assert answer.status_code == 201
    assert body_of(client, answer.json()["id"]) == BODY


@pytest.mark.parametrize("name", ["entity_content", "entity_document"])
def test_bytes_in_a_part_of_their_own(client, account: str, name: str) -> None:
    row = {"Name": "a.bin", "ParentId": account}
    parts = [entity(row, name), ("Body", "application/octet-stream", BODY, "a.bin")]
    answer = send(client, "sobjects/Attachment", *parts)
    assert answer.status_code == 201, answer.text
    key = answer.json()["id"]
    assert answer.json() == {"id": key, "success": True, "errors": []}
    assert body_of(client, key) == BODY
    change = [entity({"Name": "b"}), ("Body", "text/plain", b"new", "b")]
    answer = send(client, f"sobjects/Attachment/{key}", *change, method="PATCH")
    assert answer.status_code == 204
    assert body_of(client, key) == b"new"


def test_a_part_for_no_field(client, account: str) -> None:
    answer = send(client, "sobjects/Attachment", entity({"Name": "a"}), ("Bod", "a/b", b"x", "f"))
    text = "No such column 'Bod' on sobject of type Attachment"
    assert answer.json() == [{"message": text, "errorCode": "INVALID_FIELD"}]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", f"multipart/form-data; boundary={EDGE}"),
        (b"no parts at all", f"multipart/form-data; boundary={EDGE}"),
        (b"--b0undary--\r\n", "multipart/form-data"),
        (multipart(("Body", "a/b", b"x", "f"))[0], f"multipart/form-data; boundary={EDGE}"),
    ],
)
def test_broken_multipart(client, content: bytes, kind: str) -> None:
    answer = client.call(
        "POST", "sobjects/Attachment", content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "INVALID_MULTIPART_REQUEST"


def test_a_part_that_is_no_json(client) -> None:
    answer = send(client, "sobjects/Attachment", ("entity_content", "application/json", b"{", None))
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_files_of_a_collection(client, account: str) -> None:
    records = [
        {
            "attributes": {
                "type": "Attachment",
                "binaryPartName": f"part{n}",
                "binaryPartNameAlias": "Body",
            },
            "Name": str(n),
            "ParentId": account,
        }
        for n in range(2)
    ]
    collection = ("collection", "application/json", json.dumps({"records": records}).encode(), None)
    files = [(f"part{n}", "a/b", BODY[: n + 1], f"{n}.bin") for n in range(2)]
    answer = send(client, "composite/sobjects", collection, *files)
    assert answer.status_code == 200, answer.text
    found = [body_of(client, one["id"]) for one in answer.json()]
    assert found == [BODY[:1], BODY[:2]]
    answer = send(client, "composite/sobjects", collection, files[0])
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "INVALID_MULTIPART_REQUEST"


def test_a_file_name_in_any_script_is_no_inner_error(client, account: str) -> None:
    name = "Ladenfront „Sonnenschein“ ☀️ チョコ.png"
    parts = [entity({"Name": name, "ParentId": account}), ("Body", "image/png", BODY, name)]
    answer = send(client, "sobjects/Attachment", *parts)
    assert answer.status_code == 201, answer.text
    assert body_of(client, answer.json()["id"]) == BODY
