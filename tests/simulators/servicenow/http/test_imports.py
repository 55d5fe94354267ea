"""Import sets: a staged row, its transformation, and errors under a status of success."""

from simulators.servicenow.clients import BASE, Client


def test_a_row_is_inserted_and_then_updated(client: Client) -> None:
    row = {"u_mail": "ada@x.example", "u_first": "Ada", "u_last": "L"}
    answer = client("POST", "import/u_imp_contact", json=row)
    document = answer.json()
    (result,) = document["result"]
    assert answer.status_code == 201
    assert document["staging_table"] == "u_imp_contact"
    assert (result["status"], result["table"]) == ("inserted", "customer_contact")
    assert result["record_link"] == f"{BASE}/api/now/table/customer_contact/{result['sys_id']}"
    assert client.row("customer_contact", result["sys_id"])["first_name"] == "Ada"
    again = client("POST", "import/u_imp_contact", json={**row, "u_first": "Eva"}).json()
    assert again["result"][0]["status"] == "updated"
    assert again["result"][0]["sys_id"] == result["sys_id"]
    assert client.row("customer_contact", result["sys_id"])["first_name"] == "Eva"
    staged = client.list("u_imp_contact", "sys_import_state=updated")
    assert staged[0]["sys_target_sys_id"] == result["sys_id"]


def test_an_error_comes_under_a_status_of_success(client: Client) -> None:
    client.admin("rules/write", name="No", table="customer_contact", operations=["insert"])
    answer = client("POST", "import/u_imp_contact", json={"u_last": "x"})
    (result,) = answer.json()["result"]
    assert answer.status_code == 201
    assert result["status"] == "error"
    assert "Business Rule 'No^" in result["error_message"]
    assert client.list("u_imp_contact")[0]["sys_import_state"] == "error"


def test_many_rows(client: Client) -> None:
    records = [{"u_mail": f"{n}@x.example", "u_last": str(n)} for n in range(3)]
    answer = client("POST", "import/u_imp_contact/insertMultiple", json={"records": records})
    assert answer.status_code == 201
    assert "result" not in answer.json()
    assert len(client.list("customer_contact")) == 3
    assert client("POST", "import/u_imp_contact/insertMultiple", json={}).status_code == 400


def test_other_tables_are_no_staging_tables(client: Client) -> None:
    assert client("POST", "import/incident", json={}).status_code == 400


def test_records_that_are_no_objects_are_refused(client: Client) -> None:
    body = {"records": [{"u_last": "x"}, 3]}
    assert client("POST", "import/u_imp_contact/insertMultiple", json=body).status_code == 400
    assert client.list("customer_contact") == []
