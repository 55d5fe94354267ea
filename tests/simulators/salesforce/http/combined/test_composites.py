"""Composite with references and roll back, batch with writes, graphs, trees."""

import json

import pytest

from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.objects import build_object

BASE = "/services/data/v66.0"
HALTED = {
    "body": [
        {
            "errorCode": "PROCESSING_HALTED",
            "message": (
                "The transaction was rolled back since another operation in the same transaction "
                "failed."
            ),
        }
    ],
    "httpHeaders": {},
    "httpStatusCode": 400,
}
MISSING = {
    "message": "Required fields are missing: [Name]",
    "errorCode": "REQUIRED_FIELD_MISSING",
    "fields": ["Name"],
}


def sub(reference: str, method: str, path: str, body=None, **rest):
    made = {"method": method, "url": f"{BASE}/{path}", "referenceId": reference, **rest}
    return made if body is None else {**made, "body": body}


def composite(client, *requests, together: bool = False, version: str = "v66.0"):
    body = {"allOrNone": together, "compositeRequest": list(requests)}
    answer = client.post(f"/services/data/{version}/composite", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["compositeResponse"]


def count(client, name: str) -> int:
    return int(client.get(f"query?q=SELECT+COUNT()+FROM+{name}").json()["totalSize"])


FAMILY = (
    sub("acc", "POST", "sobjects/Account", {"Name": "Family", "Customer_Number__c": "F"}),
    sub("con", "POST", "sobjects/Contact", {"LastName": "of @{acc.id}", "AccountId": "@{acc.id}"}),
    sub("look", "GET", "sobjects/Contact/@{con.id}?fields=LastName,AccountId"),
)


@pytest.mark.parametrize("together", [False, True])
def test_references_between_subrequests(client, together: bool) -> None:
    account, contact, look = composite(client, *FAMILY, together=together)
    key = account["body"]["id"]
    assert account == {
        "body": {"id": key, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{BASE}/sobjects/Account/{key}"},
        "httpStatusCode": 201,
        "referenceId": "acc",
    }
    assert contact["httpStatusCode"] == 201
    assert look["body"]["AccountId"] == key, "a read sees what the transaction wrote"
    assert look["body"]["LastName"] == f"of {key}"
    assert client.get(f"sobjects/Contact/{contact['body']['id']}").status_code == 200


def test_a_failure_stays_alone_without_all_or_none(client) -> None:
    before = count(client, "Account")
    one, two, three = composite(
        client,
        sub("a", "POST", "sobjects/Account", {"Name": "a"}),
        sub("b", "POST", "sobjects/Account", {}),
        sub("c", "PATCH", "sobjects/Account/@{b.id}", {"Name": "c"}),
    )
    assert (one["httpStatusCode"], two["httpStatusCode"]) == (201, 400)
    assert two["body"] == [MISSING]
    assert three["httpStatusCode"] == 400
    assert three["body"][0]["errorCode"] == "PROCESSING_HALTED"
    text = "Invalid reference specified. No value for b.id found in b."
    assert three["body"][0]["message"].startswith(text)
    assert count(client, "Account") == before + 1


def test_all_or_none_takes_everything_back(client) -> None:
    before = count(client, "Account"), count(client, "Contact")
    made = composite(client, *FAMILY, sub("bad", "POST", "sobjects/Account", {}), together=True)
    assert [one["referenceId"] for one in made] == ["acc", "con", "look", "bad"]
    assert made[:3] == [{**HALTED, "referenceId": one} for one in ("acc", "con", "look")]
    assert (made[3]["body"], made[3]["httpStatusCode"]) == ([MISSING], 400)
    assert (count(client, "Account"), count(client, "Contact")) == before


def test_a_row_of_a_collection_takes_everything_back(client) -> None:
    """The collection still tells of rows that went well: they did not stand."""
    before = count(client, "Account")
    records = [
        {"attributes": {"type": "Account"}, "Name": "a"},
        {"attributes": {"type": "Account"}},
    ]
    many = sub("many", "POST", "composite/sobjects", {"allOrNone": False, "records": records})
    one, two, three = composite(
        client, FAMILY[0], many, sub("late", "DELETE", "sobjects/Account/x"), together=True
    )
    assert one == {**HALTED, "referenceId": "acc"}
    assert two["httpStatusCode"] == 200
    assert [row["success"] for row in two["body"]] == [True, False]
    assert three == {**HALTED, "referenceId": "late"}
    assert count(client, "Account") == before


def test_collections_feed_references(client) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in "ab"]
    _, two = composite(
        client,
        sub("many", "POST", "composite/sobjects", {"records": records}),
        sub("c", "POST", "sobjects/Contact", {"LastName": "x", "AccountId": "@{many[1].id}"}),
    )
    assert two["httpStatusCode"] == 201


@pytest.mark.parametrize(("version", "status"), [("v51.0", 400), ("v52.0", 204)])
def test_references_to_null(client, version: str, status: int) -> None:
    key = client.post("sobjects/Account", {"Name": "a", "Phone": "1"}).json()["id"]
    other = client.post("sobjects/Account", {"Name": "b"}).json()["id"]
    _, changed = composite(
        client,
        sub("o", "GET", f"sobjects/Account/{other}?fields=Phone"),
        sub("c", "PATCH", f"sobjects/Account/{key}", {"Phone": "@{o.Phone}"}),
        version=version,
    )
    assert changed["httpStatusCode"] == status


@pytest.mark.parametrize("reference", ["a[0].id", "a.id[0]", "a.no", "b.id", "a id", "a.id.x"])
def test_references_that_lead_nowhere(client, reference: str) -> None:
    _, changed = composite(
        client,
        sub("a", "POST", "sobjects/Account", {"Name": "a"}),
        sub("c", "POST", "sobjects/Contact", {"LastName": "x", "AccountId": f"@{{{reference}}}"}),
    )
    assert changed["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_headers_of_a_subrequest(client) -> None:
    client.admin("rules/duplicate", object="Account", match=["Name"])
    client.post("sobjects/Account", {"Name": "Twin"})
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    one, two = composite(
        client,
        sub("a", "POST", "sobjects/Account", {"Name": "twin"}, httpHeaders=header),
        sub("b", "POST", "sobjects/Account", {"Name": "twin"}),
    )
    assert (one["httpStatusCode"], two["httpStatusCode"]) == (201, 400)
    assert "duplicateResut" in two["body"][0]


def test_numbers_of_a_subrequest_keep_all_digits(client) -> None:
    request = sub("a", "POST", "sobjects/Account", {"Name": "x", "Size__c": 7})
    body = json.dumps({"compositeRequest": [request]}).replace("7}", "1234567890123456.78}")
    headers = {"Content-Type": "application/json"}
    answer = client.call("POST", "composite", content=body, headers=headers)
    (made,) = answer.json()["compositeResponse"]
    text = client.get(f"sobjects/Account/{made['body']['id']}?fields=Size__c").text
    assert "1234567890123456.78" in text


@pytest.mark.parametrize(("looks", "status"), [(5, 200), (6, 400)])
def test_five_collections_go_in_one_call(client, looks: int, status: int) -> None:
    wanted = {"ids": ["001Dn00000A0001IAA"], "fields": ["Name"]}
    asked = [sub(f"look{n}", "POST", "composite/sobjects/Account", wanted) for n in range(looks)]
    answer = client.post("composite", {"allOrNone": False, "compositeRequest": asked})
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["composite", "composite/batch", "composite/graph"])
def test_composites_do_not_nest(client, path: str) -> None:
    (made,) = composite(client, sub("a", "POST", path, {"compositeRequest": [FAMILY[0]]}))
    assert made["httpStatusCode"] == 404


def test_setup_objects_stay_apart(client, sim) -> None:
    sim.org.add_object(build_object("Group", prefix="00G", flags="QCUD", fields=[f.text("Name")]))
    group = sub("g", "POST", "sobjects/Group", {"Name": "g"})
    _, second = composite(client, FAMILY[0], group, together=True)
    assert second["body"][0]["errorCode"] == "MIXED_DML_OPERATION"
    _, second = composite(client, FAMILY[0], group)
    assert second["httpStatusCode"] == 201


# -- batch


def test_batch_writes(client) -> None:
    requests = [
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "a"}},
        {"method": "PATCH", "url": "v66.0/sobjects/Account/junk", "richInput": {"Name": "b"}},
        {"method": "DELETE", "url": "v66.0/sobjects/Account/Customer_Number__c/C001"},
    ]
    answer = client.post("composite/batch", {"batchRequests": requests}).json()
    assert answer["hasErrors"] is True
    assert [one["statusCode"] for one in answer["results"]] == [201, 400, 204]
    assert answer["results"][2]["result"] is None
    halted = client.post("composite/batch", {"batchRequests": requests, "haltOnError": True}).json()
    error = {
        "errorCode": "BATCH_PROCESSING_HALTED",
        "message": "Batch processing halted per request",
    }
    assert halted["results"][2] == {"statusCode": 412, "result": [error]}


# -- graph


def graphs(client, *given, status: int = 200):
    answer = client.post("composite/graph", {"graphs": list(given)})
    assert answer.status_code == status, answer.text
    return answer.json() if status != 200 else answer.json()["graphs"]


def graph(name: str, *nodes):
    return {"graphId": name, "compositeRequest": list(nodes)}


def test_each_graph_stands_or_falls(client) -> None:
    before = count(client, "Account"), count(client, "Contact")
    bad = sub("con", "POST", "sobjects/Contact", {"AccountId": "@{acc.id}"})
    account = sub("acc", "POST", "sobjects/Account", {"Name": "g"})
    good, broken = graphs(client, graph("1", *FAMILY[:2]), graph("2", account, bad))
    assert (good["graphId"], good["isSuccessful"]) == ("1", True)
    entries = good["graphResponse"]["compositeResponse"]
    assert [one["httpStatusCode"] for one in entries] == [201, 201]
    assert entries[0]["httpHeaders"]["Location"].startswith(f"{BASE}/sobjects/Account/001")
    assert (broken["graphId"], broken["isSuccessful"]) == ("2", False)
    first, second = broken["graphResponse"]["compositeResponse"]
    assert first == {**HALTED, "referenceId": "acc"}
    assert second["body"][0]["message"] == "Required fields are missing: [LastName]"
    assert (count(client, "Account"), count(client, "Contact")) == (before[0] + 1, before[1] + 1)


def test_graphs_of_versions_that_have_none(client) -> None:
    body = {"graphs": [graph("g", FAMILY[0])]}
    assert client.post("/services/data/v49.0/composite/graph", body).status_code == 404
    body = {"records": [{"attributes": {"type": "Account"}, "Name": "a"}]}
    assert client.post("/services/data/v41.0/composite/sobjects", body).status_code == 404


def test_nodes_may_come_before_what_they_refer_to(client) -> None:
    (made,) = graphs(client, graph("g", FAMILY[1], FAMILY[0]))
    entries = made["graphResponse"]["compositeResponse"]
    assert [one["referenceId"] for one in entries] == ["con", "acc"]
    assert [one["httpStatusCode"] for one in entries] == [201, 201]


def test_nodes_that_wait_for_each_other_fail(client) -> None:
    one = sub("a", "PATCH", "sobjects/Account/@{b.id}", {"Name": "x"})
    two = sub("b", "PATCH", "sobjects/Account/@{a.id}", {"Name": "x"})
    (made,) = graphs(client, graph("g", one, two))
    assert made["isSuccessful"] is False


def test_each_node_of_a_step_tells_its_own_error(client) -> None:
    before = count(client, "Account")
    nodes = [
        sub("a", "POST", "sobjects/Account", {"Name": "a"}),
        sub("b", "POST", "sobjects/account/", {}),
        sub("c", "POST", "sobjects/Account", {"Nam": "c"}),
        sub("d", "POST", "sobjects/Contact", {"LastName": "d"}),
    ]
    (made,) = graphs(client, graph("g", *nodes))
    a, b, c, d = made["graphResponse"]["compositeResponse"]
    assert made["isSuccessful"] is False
    assert (a, d) == ({**HALTED, "referenceId": "a"}, {**HALTED, "referenceId": "d"})
    assert b["body"] == [MISSING]
    assert c["body"][0]["errorCode"] == "INVALID_FIELD"
    assert count(client, "Account") == before


@pytest.mark.parametrize("name", ["Nothing", "Contact"])
def test_steps_that_fail_before_their_rows_are_looked_at(client, name: str) -> None:
    row = {"LastName": "x", "AccountId": "@{acc.nope}" if name == "Contact" else "x"}
    nodes = [sub(f"n{n}", "POST", f"sobjects/{name}", row) for n in range(2)]
    account = sub("acc", "POST", "sobjects/Account", {"Name": "a"})
    (made,) = graphs(client, graph("g", account, *nodes))
    first, *rest = made["graphResponse"]["compositeResponse"]
    codes = {one["body"][0]["errorCode"] for one in rest}
    assert codes == {"NOT_FOUND" if name == "Nothing" else "PROCESSING_HALTED"}
    assert made["isSuccessful"] is False
    assert first["httpStatusCode"] == 400


def test_a_graph_reads_and_changes_what_it_made(client) -> None:
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    nodes = [
        sub("a", "POST", "sobjects/Account", {"Name": "a"}, httpHeaders=header),
        sub("b", "PATCH", "sobjects/Account/@{a.id}", {"Phone": "1"}),
        sub("c", "PATCH", "sobjects/Account/Customer_Number__c/G1", {"Name": "c"}),
        sub("d", "GET", "sobjects/Account/@{c.id}"),
        sub("e", "DELETE", "sobjects/Account/@{d.Id}"),
    ]
    (made,) = graphs(client, graph("g", *nodes))
    entries = made["graphResponse"]["compositeResponse"]
    assert [one["httpStatusCode"] for one in entries] == [201, 204, 201, 200, 204]


def test_after_fourteen_failures_the_rest_is_halted(client) -> None:
    before = count(client, "Account")
    bad = [graph(f"b{n}", sub("x", "POST", "sobjects/Account", {})) for n in range(16)]
    made = graphs(client, *bad, graph("good", FAMILY[0]))
    tried = [
        one for one in made if one["graphResponse"]["compositeResponse"][0]["body"] == [MISSING]
    ]
    assert len(tried) == 15
    assert made[-1]["isSuccessful"] is False
    assert made[-1]["graphResponse"]["compositeResponse"] == [{**HALTED, "referenceId": "acc"}]
    assert count(client, "Account") == before


def post(n: int, body=None):
    return sub(f"r{n}", "POST", "sobjects/Account", body or {"Name": str(n)})


def test_bounds_of_graphs(client) -> None:
    nodes = [post(n) for n in range(501)]
    chain = [
        sub(f"c{n}", "PATCH", f"sobjects/Account/@{{c{n - 1}.id}}", {"Name": "x"})
        for n in range(1, 16)
    ]
    kinds = [sub(f"k{n}", "GET", f"sobjects/Thing{n}/001") for n in range(16)]
    cases = [
        ([graph(str(n), post(n)) for n in range(76)], "LIMIT_EXCEEDED"),
        ([graph("g", *nodes)], "LIMIT_EXCEEDED"),
        ([graph("g", *nodes[:300]), graph("h", *nodes[:300])], "LIMIT_EXCEEDED"),
        ([graph("g", *kinds)], "LIMIT_EXCEEDED"),
        ([graph("g", sub("c0", "POST", "sobjects/Account", {"Name": "x"}), *chain)], "LIMIT_EXCEEDED"),
        ([graph("g", post(1)), graph("g", post(2))], "INVALID_INPUT"),
        ([graph("g", post(1), post(1))], "INVALID_INPUT"),
        ([graph("-g", post(1))], "INVALID_INPUT"),
        ([graph("g", sub("q", "GET", "query?q=SELECT+Id+FROM+Account"))], "INVALID_INPUT"),
        ([graph("g")], "REQUIRED_FIELD_MISSING"),
        ([], "REQUIRED_FIELD_MISSING"),
    ]  # fmt: skip
    before = count(client, "Account")
    for given, code in cases:
        assert graphs(client, *given, status=400)[0]["errorCode"] == code
    assert count(client, "Account") == before
    assert graphs(client, graph("g", *nodes[:500]))[0]["isSuccessful"] is True


# -- tree


def node(kind: str, reference: str, **row):
    return {"attributes": {"type": kind, "referenceId": reference}, **row}


def tree(client, *records, name: str = "Account"):
    return client.post(f"composite/tree/{name}", {"records": list(records)})


def test_a_tree_is_saved_with_its_children(client) -> None:
    children = {
        "records": [node("Contact", "c1", LastName="1"), node("Contact", "c2", LastName="2")]
    }
    answer = tree(
        client, node("Account", "a1", Name="x", Contacts=children), node("Account", "a2", Name="y")
    )
    assert answer.status_code == 201
    results = answer.json()["results"]
    assert answer.json()["hasErrors"] is False
    assert [one["referenceId"] for one in results] == ["a1", "c1", "c2", "a2"]
    contact = client.get(f"sobjects/Contact/{results[2]['id']}").json()
    assert contact["AccountId"] == results[0]["id"]


def test_a_tree_falls_as_a_whole(client) -> None:
    before = count(client, "Account")
    children = {"records": [node("Contact", "c1"), node("Contact", "c2", LastName="2")]}
    answer = tree(client, node("Account", "a1", Name="x", Contacts=children))
    error = {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [LastName]",
        "fields": ["LastName"],
    }
    assert answer.status_code == 400
    assert answer.json() == {
        "hasErrors": True,
        "results": [{"referenceId": "c1", "errors": [error]}],
    }
    assert count(client, "Account") == before


def test_members_that_are_no_children_are_fields(client) -> None:
    answer = tree(client, node("Account", "a1", Name="x", Contacts="?"))
    text = "No such column 'Contacts' on sobject of type Account"
    assert answer.json()["results"][0]["errors"][0]["message"] == text


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "REQUIRED_FIELD_MISSING"),
        (["x"], "JSON_PARSER_ERROR"),
        ([{"Name": "x"}], "INVALID_INPUT"),
        ([node("Contact", "c", LastName="x")], "INVALID_INPUT"),
        ([node("Account", "", Name="x")], "INVALID_INPUT"),
        ([node("Account", "a", Name="x"), node("Account", "a", Name="y")], "INVALID_INPUT"),
        ([node("Account", f"a{n}", Name="x") for n in range(201)], "INVALID_BATCH_SIZE"),
    ],
)
def test_bounds_of_trees(client, records: list, code: str) -> None:
    answer = tree(client, *records)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_levels_and_types_of_trees(client, sim) -> None:
    for number in range(6):
        links = [f.reference("Up__c", f"T{number - 1}__c", children="Down__r")] if number else []
        sim.org.add_object(
            build_object(f"T{number}__c", prefix=f"b0{number}", flags="QCUD", fields=links)
        )

    def deep(levels: int, number: int = 0):
        row = node(f"T{number}__c", f"r{number}")
        if number + 1 < levels:
            row["Down__r"] = {"records": [deep(levels, number + 1)]}
        return row

    assert tree(client, deep(5), name="T0__c").status_code == 201
    answer = tree(client, deep(6), name="T0__c")
    assert "levels deep" in answer.json()[0]["message"]
    sim.org.add_field("T1__c", f.reference("Other__c", "T0__c", children="Others__r"))
    row = deep(5)
    row["Others__r"] = {"records": [node("T1__c", "other", Down__r={"records": []})]}
    assert tree(client, row, name="T0__c").status_code == 201
