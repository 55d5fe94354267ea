"""Bulk 2.0 ingest over HTTP: the answers word for word, and what the org holds afterwards."""

import json

import pytest

from simulators.salesforce.http.conftest import BASE
from simulators.salesforce.http.loads import Load, count, error, numbered, one
from unlost_simulators.salesforce.model.users import Permission

CREATED = "2026-03-01T12:00:00.000+0000"


def grant(sim, *permissions: Permission) -> None:
    user = sim.org.users.by_username("backup@small.example")
    for each in permissions:
        sim.org.users.set_permission(user.id, each, granted=True)


# The answers of a job's life


def test_the_answers_of_a_job_from_open_to_complete(client, sim) -> None:
    answer = client.post(
        "jobs/ingest",
        {
            "operation": "upsert",
            "object": "account",
            "externalIdFieldName": "customer_number__c",
            "contentType": "CSV",
            "lineEnding": "CRLF",
            "columnDelimiter": "SEMICOLON",
        },
    )
    job = answer.json()["id"]
    user = sim.org.users.by_username("backup@small.example").id
    short = {
        "id": job,
        "operation": "upsert",
        "object": "Account",
        "createdById": user,
        "createdDate": CREATED,
        "systemModstamp": CREATED,
        "state": "Open",
        "externalIdFieldName": "Customer_Number__c",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 66.0,
    }
    content = {"contentUrl": f"services/data/v66.0/jobs/ingest/{job}/batches"}
    form = {"lineEnding": "CRLF", "columnDelimiter": "SEMICOLON"}
    assert answer.json() == short | content | form
    assert job.startswith("750")
    load = Load(client, job)
    counts = {
        "numberRecordsProcessed": 0,
        "numberRecordsFailed": 0,
        "retries": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }
    kind = {"jobType": "V2Ingest"}
    assert load.info() == short | kind | content | form | counts
    put = load.put('Customer_Number__c;Name\r\nC001;Cacao\r\nNEW;"Fresh; cold"\r\n')
    assert put.content == b""
    closed = load.close().json()
    assert closed == short | {"state": "UploadComplete"}
    assert list(closed) == list(short)
    info = load.info()
    assert info["state"] == "JobComplete"
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (2, 0)
    assert "errorMessage" not in info
    assert "contentUrl" not in info
    rows = sorted(load.text("successfulResults").split("\r\n"))
    fresh = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'NEW'")["Id"]
    old = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C001'")["Id"]
    assert rows == [
        "",
        *sorted([f'"{old}";"false";C001;Cacao', f'"{fresh}";"true";NEW;"Fresh; cold"']),
        '"sf__Id";"sf__Created";Customer_Number__c;Name',
    ]
    assert load.text("failedResults") == '"sf__Id";"sf__Error";Customer_Number__c;Name\r\n'
    assert load.text("unprocessedrecords") == "Customer_Number__c;Name\r\n"


def test_paths_take_any_case_and_a_slash_at_the_end(client) -> None:
    load = Load.run(client, "insert", "Name\nA\n")
    for tail in ("/successfulResults/", "/SUCCESSFULRESULTS", "/successfulresults"):
        assert load.call("GET", tail).text.startswith('"sf__Id","sf__Created",Name\n')
    for tail in ("/unprocessedRecords", "/unprocessedrecords/"):
        assert load.call("GET", tail).text == "Name\n"


def test_a_job_needs_object_and_operation_alone(client) -> None:
    answer = client.post("jobs/ingest", {"operation": "insert", "object": "Account"}).json()
    assert (answer["lineEnding"], answer["columnDelimiter"]) == ("LF", "COMMA")
    assert client.get("jobs").json() == {
        "ingest": f"{BASE}/jobs/ingest",
        "query": f"{BASE}/jobs/query",
    }


@pytest.mark.parametrize(
    ("order", "code", "text"),
    [
        ({"operation": ""}, "API_ERROR", "Invalid value: '' supplied for property: 'operation'"),
        (
            {"contentType": "JSON"},
            "API_ERROR",
            "Invalid value: 'JSON' supplied for property: 'contentType'",
        ),
        (
            {"columnDelimiter": "DOT"},
            "API_ERROR",
            "Invalid value: 'DOT' supplied for property: 'columnDelimiter'",
        ),
        (
            {"lineEnding": "CR"},
            "API_ERROR",
            "Invalid value: 'CR' supplied for property: 'lineEnding'",
        ),
        ({"object": "blah"}, "INVALIDJOB", "InvalidJob : Unable to find object: blah"),
        ({"object": ""}, "INVALIDJOB", "InvalidJob : Unable to find object: "),
        (
            {"object": "CaseStatus"},
            "INVALIDENTITY",
            "Entity 'CaseStatus' is not supported by the Bulk API.",
        ),
        (
            {"operation": "upsert"},
            "INVALIDJOB",
            (
                "InvalidJob : External ID was blank for Account. "
                "An External ID must be specified for upsert."
            ),
        ),
        (
            {"operation": "upsert", "externalIdFieldName": "Phone"},
            "INVALIDJOB",
            "InvalidJob : Field name provided, Phone does not match an External ID for Account",
        ),
        (
            {"operation": "upsert", "externalIdFieldName": ""},
            "INVALIDJOB",
            "InvalidJob : Field name provided,  does not match an External ID for Account",
        ),
        (
            {"operation": "hardDelete"},
            "FEATURENOTENABLED",
            (
                "hardDelete operation requires special user profile permission, "
                "please contact your system administrator"
            ),
        ),
    ],
)
def test_orders_that_are_refused(client, order, code, text) -> None:
    answer = client.post("jobs/ingest", {"operation": "insert", "object": "Account", **order})
    assert error(answer) == {"status": 400, "errorCode": code, "message": text}
    assert client.get("jobs/ingest").json()["records"] == []


def test_an_old_version_knows_no_ingest(client) -> None:
    answer = client.post(
        "/services/data/v40.0/jobs/ingest", {"operation": "insert", "object": "Account"}
    )
    assert answer.status_code == 404


def test_an_assignment_rule_is_kept_from_version_49(client) -> None:
    order = {"operation": "insert", "object": "Account", "assignmentRuleId": "01Q000000000001"}
    assert client.post("jobs/ingest", order).json()["assignmentRuleId"] == "01Q000000000001"
    old = client.post("/services/data/v48.0/jobs/ingest", order).json()
    assert "assignmentRuleId" not in old


# Uploads


def test_data_is_put_once(client) -> None:
    load = Load.open(client, "insert")
    load.put("Name\nA\n")
    again = load.put("Name\nB\n", status=400)
    assert error(again) == {
        "status": 400,
        "errorCode": "BULK_API_ERROR",
        "message": f"Found multipe contents for job: <{load.id[:15]}>, please 'Close' / 'Abort' / "
        "'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on "
        "a given Job.",
    }
    load.close()
    assert error(load.put("Name\nB\n", status=400))["errorCode"] == "INVALIDJOBSTATE"
    assert [row["Name"] for row in load.successful] == ["A"]


def test_an_upload_may_be_as_large_as_its_base64_allows(client) -> None:
    client.admin("bulk", ingest={"habits": {"max_upload": 40}})
    Load.open(client, "insert").put("Name\n" + "x" * 25)
    refused = Load.open(client, "insert").put("Name\n" + "x" * 26, status=400)
    assert error(refused) == {
        "status": 400,
        "errorCode": "CLIENTINPUTERROR",
        "message": "ClientInputError : Failed to read request. Exceeded max size limit of 40",
    }


def multipart(job: object, data: str) -> tuple[bytes, dict[str, str]]:
    body = (
        '--b\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: application/json\r\n'
        f"\r\n{json.dumps(job)}\r\n"
        '--b\r\nContent-Disposition: form-data; name="content"; filename="content"\r\n'
        f"Content-Type: text/csv\r\n\r\n{data}\r\n--b--\r\n"
    )
    return body.encode(), {"Content-Type": 'multipart/form-data; boundary="b"'}


def test_a_job_may_be_made_in_one_multipart_call(client) -> None:
    body, headers = multipart({"operation": "insert", "object": "Account"}, "Name\nA\nB\n")
    answer = client.call("POST", "jobs/ingest", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["state"] == "UploadComplete"
    load = Load(client, answer.json()["id"])
    assert load.info()["state"] == "JobComplete"
    assert sorted(row["Name"] for row in load.successful) == ["A", "B"]


def test_multipart_calls_that_are_refused(client) -> None:
    order = {"operation": "insert", "object": "Account"}
    cases = [
        (multipart(order, "Name\n" + "x" * 100_000), "CLIENTINPUTERROR"),
        (multipart([], "Name\n"), "JSON_PARSER_ERROR"),
        ((b"--b\r\n", {"Content-Type": "multipart/form-data"}), "INVALID_MULTIPART_REQUEST"),
        ((b"xx", {"Content-Type": "multipart/form-data; boundary=b"}), "INVALID_MULTIPART_REQUEST"),
        ((b"--b\r\n", {"Content-Type": "multipart/form-data; boundary=b"}),
         "INVALID_MULTIPART_REQUEST"),
    ]  # fmt: skip
    for (body, headers), code in cases:
        answer = client.call("POST", "jobs/ingest", content=body, headers=headers)
        assert error(answer)["errorCode"] == code
    lone, headers = multipart(order, "Name\n")
    answer = client.call(
        "POST", "jobs/ingest", content=lone.replace(b'"content"', b'"other"'), headers=headers
    )
    assert error(answer)["errorCode"] == "CLIENTINPUTERROR"


# Headers and the form of the data


@pytest.mark.parametrize(
    ("text", "of", "message"),
    [
        ("Name,Nonsense__c\nA,B\n", "Account", "InvalidBatch : Field name not found : Nonsense__c"),
        ("Name,\nA,B\n", "Account", "InvalidBatch : Field name not found : "),
        ("\ufeffName\nA\n", "Account", "InvalidBatch : Field name not found : \ufeffName"),
        (
            '\ufeff"Name"\nA\n',
            "Account",
            (
                "InvalidBatch : Failed to parse CSV. "
                "Found unescaped quote. A value with quote should be within a quote"
            ),
        ),
        (
            "LastName,Parent.Badge__c\nA,B\n",
            "Contact",
            "InvalidBatch : Unable to find relationship: Parent",
        ),
        (
            "LastName,Account:Account.Customer_Number__c\nA,B\n",
            "Contact",
            "InvalidBatch : type is not needed for non polymorphic foreign key references: Account",
        ),
        (
            "LastName,Account:Account:Customer_Number__c\nA,B\n",
            "Contact",
            "InvalidBatch : Field name not found : Account:Account:Customer_Number__c",
        ),
        (
            "LastName,Account.Phone\nA,B\n",
            "Contact",
            "InvalidBatch : Field name not found : Account.Phone",
        ),
        (
            "LastName,Account.Nonsense__c\nA,B\n",
            "Contact",
            "InvalidBatch : Field name not found : Account.Nonsense__c",
        ),
        (
            "Subject,What.Customer_Number__c\nA,B\n",
            "Task",
            "InvalidBatch : type is needed for polymorphic foreign key references: What",
        ),
        (
            "Subject,Attachment:What.Customer_Number__c\nA,B\n",
            "Task",
            "InvalidBatch : Field name not found : Attachment:What.Customer_Number__c",
        ),
        ("Name,name\nA,B\n", "Account", "InvalidBatch : Duplicate field found : Name"),
        ("", "Account", "InvalidBatch : Records not found"),
        ("\n\n", "Account", "InvalidBatch : Records not found"),
        (
            "Name\r\nA\r\n",
            "Account",
            (
                "ClientInputError : LineEnding is invalid on user data. "
                "Current LineEnding setting is LF"
            ),
        ),
        (
            f"Name,Notes__c\nA,{'x' * 32_001}\n",
            "Account",
            "InvalidBatch : Failed to parse CSV. Exceeded max field size: 32001",
        ),
    ],
)
def test_data_that_fails_the_whole_job(client, text, of, message) -> None:
    before = count(client, f"SELECT Id FROM {of}")
    load = Load.run(client, "insert", text, of)
    info = load.info()
    assert (info["state"], info["errorMessage"]) == ("Failed", message)
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (0, 0)
    assert load.successful == [] == load.failed
    assert count(client, f"SELECT Id FROM {of}") == before


def test_a_crlf_job_wants_crlf(client) -> None:
    load = Load.run(client, "insert", "Name\nA\n", lineEnding="CRLF")
    assert load.info()["errorMessage"] == (
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF"
    )


def test_rows_of_a_refused_header_are_unprocessed(client) -> None:
    load = Load.run(client, "insert", "Name,Nonsense__c\nA,B\n")
    assert load.unprocessed == [{"Name": "A", "Nonsense__c": "B"}]


def test_a_field_that_is_hidden_does_not_exist(narrow) -> None:
    load = Load.run(narrow, "insert", "Name,Phone\nA,1\n")
    assert load.info()["errorMessage"] == "InvalidBatch : Field name not found : Phone"


def test_only_ids_may_be_deleted(client, sim) -> None:
    grant(sim, Permission.BULK_HARD_DELETE)
    for operation in ("delete", "hardDelete"):
        load = Load.run(client, operation, "Id,Name\n1,A\n")
        assert load.info()["errorMessage"] == (
            f"InvalidBatch : The '{operation}' batch must contain only ids"
        )


def test_unknown_columns_may_be_dropped(client) -> None:
    client.admin("bulk", ingest={"habits": {"unknown_columns": "drop"}})
    load = Load.run(client, "insert", "Nonsense__c,Name,What.X\nB,A,C\n")
    assert load.info()["state"] == "Failed", "a relationship is never dropped"
    load = Load.run(client, "insert", "Nonsense__c,Name\nB,A\n")
    (row,) = load.successful
    assert list(row) == ["sf__Id", "sf__Created", "Name"]


def test_only_a_header_is_a_job_without_rows(client) -> None:
    load = Load.run(client, "insert", "Name\n")
    assert load.info()["state"] == "JobComplete"
    assert load.text("successfulResults") == '"sf__Id","sf__Created",Name\n'
    client.admin("bulk", ingest={"habits": {"empty_results": "no_content"}})
    load = Load.run(client, "insert", "Name\n")
    assert load.call("GET", "/failedResults").status_code == 204


# Cells


def test_cells_keep_what_they_hold(client) -> None:
    texts = ['"quoted ""text"""', '"line\nbreak"', '"line\r\nbreak"', "=1+1", "NA", "null", "🍫"]
    said = ['quoted "text"', "line\nbreak", "line\r\nbreak", "=1+1", "NA", "null", "🍫"]
    lines = "".join(f"{text},K{at}\n" for at, text in enumerate(texts))
    load = Load.run(client, "insert", f"Name,Customer_Number__c\n{lines}")
    assert load.failed == []
    held = {
        row["Customer_Number__c"]: row["Name"]
        for row in client.get(
            "query?q=SELECT+Name,Customer_Number__c+FROM+Account+WHERE+Customer_Number__c+LIKE+'K%25'"
        ).json()["records"]
    }
    assert held == {f"K{at}": text for at, text in enumerate(said)}
    assert {row["Customer_Number__c"]: row["Name"] for row in load.successful} == held


def test_breaks_in_cells_may_become_line_feeds_or_be_refused(client) -> None:
    client.admin("bulk", ingest={"habits": {"quoted_breaks": "as_lf"}})
    load = Load.run(client, "insert", 'Name,Notes__c\nA,"a\r\nb\rc\nd"\n')
    key = load.successful[0]["sf__Id"]
    assert client.get(f"sobjects/Account/{key}?fields=Notes__c").json()["Notes__c"] == "a\nb\nc\nd"
    client.admin("bulk", ingest={"habits": {"quoted_breaks": "refuse"}})
    assert Load.run(client, "insert", "Name,Notes__c\nA,b\n").failed == []
    load = Load.run(client, "insert", 'Name,Notes__c\nA,"a\nb"\n')
    assert load.info()["errorMessage"].startswith("ClientInputError : LineEnding is invalid")


def test_an_empty_cell_leaves_and_na_clears(client) -> None:
    account = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C001'")["Id"]
    first = f"Id,Phone,Notes__c,Size__c\n{account},12,text,2.50\n"
    assert Load.run(client, "update", first).failed == []
    assert Load.run(client, "update", f"Id,Phone,Notes__c,Size__c\n{account},,#N/A,\n").failed == []
    got = client.get(f"sobjects/Account/{account}?fields=Name,Phone,Notes__c,Size__c").json()
    assert (got["Name"], got["Phone"], got["Notes__c"]) == ("Account 1", "12", None)
    assert got["Size__c"] == 2.5


def test_rows_find_parents_by_an_external_id(client) -> None:
    text = (
        "LastName,Account.Customer_Number__c\n"
        "One,C003\nTwo,C999\nThree,\nFour,#N/A\n"
    )  # fmt: skip
    load = Load.run(client, "insert", text, "Contact")
    parent = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C003'")["Id"]
    held = {row["LastName"]: row["sf__Id"] for row in load.successful}
    parents = {
        name: client.get(f"sobjects/Contact/{key}?fields=AccountId").json()["AccountId"]
        for name, key in held.items()
    }
    assert parents == {"One": parent, "Three": None, "Four": None}
    (row,) = load.failed
    assert row == {
        "sf__Id": "",
        "sf__Error": "INVALID_FIELD:Foreign key external ID: C999 not found for field "
        "Customer_Number__c in entity Account:--",
        "LastName": "Two",
        "Account.Customer_Number__c": "C999",
    }


def test_rows_find_parents_of_several_objects(client) -> None:
    load = Load.run(
        client,
        "insert",
        "Subject,Account:What.Customer_Number__c\nCall,C004\n",
        "Task",
    )
    task = load.successful[0]["sf__Id"]
    parent = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C004'")["Id"]
    assert client.get(f"sobjects/Task/{task}?fields=WhatId").json()["WhatId"] == parent


# Operations, and how rows fail


def test_inserted_rows_fail_one_by_one(client) -> None:
    text = (
        "Name,Size__c,Customer_Number__c\n"
        "Good,1,N1\n"
        ",2,N2\n"
        "Bad,two,N3\n"
        "Twin,3,C001\n"
    )  # fmt: skip
    load = Load.run(client, "insert", text)
    info = load.info()
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (
        "JobComplete", 4, 3,
    )  # fmt: skip
    assert [row["Name"] for row in load.successful] == ["Good"]
    assert load.successful[0]["sf__Created"] == "true"
    held = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C001'")["Id"]
    lines = load.text("failedResults").splitlines()
    assert lines[0] == '"sf__Id","sf__Error",Name,Size__c,Customer_Number__c'
    assert sorted(lines[1:]) == sorted(
        [
            '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",,2,N2',
            (
                '"","INVALID_FIELD:Failed to deserialize field at col 1. Due to, \'two\' is not a '
                'valid value for the type xsd:double:Size__c --",Bad,two,N3'
            ),
            (
                '"","DUPLICATE_VALUE:duplicate value found: Customer_Number__c duplicates value on '
                f'record with id: {held[:15]}:--",Twin,3,C001'
            ),
        ]
    )


def test_an_id_cannot_be_inserted(client) -> None:
    account = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C001'")["Id"]
    load = Load.run(client, "insert", f"Id,Name\n{account},A\n,B\n")
    assert [row["Name"] for row in load.successful] == ["B"]
    assert load.failed[0]["sf__Error"] == (
        "INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --"
    )
    assert load.failed[0]["sf__Id"] == ""


def test_failed_rows_of_an_update_carry_their_id_from_version_53(client) -> None:
    account = one(client, "SELECT Id FROM Account WHERE Customer_Number__c = 'C001'")["Id"]
    text = f"Id,Size__c\n{account},x\n"
    assert Load.run(client, "update", text).failed[0]["sf__Id"] == account
    answer = client.post(
        "/services/data/v52.0/jobs/ingest", {"operation": "update", "object": "Account"}
    )
    load = Load(client, answer.json()["id"])
    load.put(text)
    load.close()
    assert load.info()["state"] == "JobComplete"
    assert load.failed[0]["sf__Id"] == ""


def test_an_upsert_takes_an_email_as_key(client) -> None:
    text = "Email,LastName\nADA1@small.example,Lovelace\nnew@small.example,New\n"
    load = Load.run(client, "upsert", text, "Contact", externalIdFieldName="Email")
    info = load.info()
    assert (info["state"], info["numberRecordsFailed"]) == ("JobComplete", 0)
    soql = "SELECT+LastName+FROM+Contact+WHERE+Email='ada1@small.example'"
    (found,) = client.get(f"query?q={soql}").json()["records"]
    assert found["LastName"] == "Lovelace"


def test_an_upsert_takes_an_empty_id_beside_its_key(client) -> None:
    load = Load.run(
        client,
        "upsert",
        "Customer_Number__c,Id,Name\nC002,,Renamed\nN9,,Fresh\n,,Nobody\n",
        externalIdFieldName="Customer_Number__c",
    )
    assert {row["Name"]: row["sf__Created"] for row in load.successful} == {
        "Renamed": "false",
        "Fresh": "true",
    }
    (row,) = load.failed
    assert row["sf__Error"] == "MISSING_ARGUMENT:Customer_Number__c not specified:--"
    assert one(client, "SELECT Name FROM Account WHERE Customer_Number__c = 'C002'")["Name"] == (
        "Renamed"
    )


def test_deleted_rows_go_to_the_bin_and_hard_deleted_ones_do_not(client, sim) -> None:
    grant(sim, Permission.BULK_HARD_DELETE)
    keys = [row["Id"] for row in client.get("query?q=SELECT+Id+FROM+Account").json()["records"]]
    load = Load.run(client, "delete", f"Id\n{keys[0]}\n{keys[1]}\nnonsense\n")
    assert sorted(row["sf__Id"] for row in load.successful) == sorted(keys[:2])
    assert {row["sf__Created"] for row in load.successful} == {"false"}
    assert load.failed[0]["sf__Error"] == "MALFORMED_ID:malformed id nonsense:--"
    again = Load.run(client, "delete", f"Id\n{keys[0]}\n")
    assert again.failed[0]["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    Load.run(client, "hardDelete", f"Id\n{keys[2]}\n")
    deleted = client.get("queryAll?q=SELECT+Id+FROM+Account+WHERE+IsDeleted=true").json()
    assert {row["Id"] for row in deleted["records"]} == set(keys[:2])


def test_a_right_that_the_user_lacks_fails_every_row(client, sim) -> None:
    user = sim.org.users.by_username("backup@small.example")
    sim.org.users.deny(user.id, "Account", "create")
    load = Load.run(client, "insert", "Name\nA\nB\n")
    assert (load.info()["state"], len(load.failed)) == ("JobComplete", 2)


# Many rows


def test_result_rows_come_in_no_order_of_the_upload(client) -> None:
    load = Load.run(client, "insert", numbered(450))
    names = [row["Name"] for row in load.successful]
    assert names != sorted(names, key=lambda name: int(name.split()[1]))
    assert sorted(names) == sorted(f"Row {n}" for n in range(450))
    assert names == [row["Name"] for row in load.successful], "yet a file stays as it is"
    client.admin("bulk", ingest={"habits": {"row_order": "uploaded", "quoting": "all"}})
    load = Load.run(client, "update", "Id,Name\n" + "".join(
        f"{row['sf__Id']},X{n}\n" for n, row in enumerate(load.successful)
    ))  # fmt: skip
    names = [row["Name"] for row in load.successful]
    assert names == [f"X{n}" for n in range(450)]
    assert load.text("successfulResults").splitlines()[1].endswith(',"X0"')


def test_rows_are_written_two_hundred_at_a_time(client, sim) -> None:
    client.admin(
        "rules/trigger", object="Account", deed="refuse", name="Guard", where="Name = 'Row 250'",
        on=["insert"],
    )  # fmt: skip
    load = Load.run(client, "insert", numbered(450))
    assert len(load.successful) == 449
    (row,) = load.failed
    assert row["sf__Error"].startswith("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:Guard: execution of ")


def test_a_key_may_come_again_in_another_transaction(client) -> None:
    text = numbered(200) + "Again,N0\n"
    load = Load.run(client, "upsert", text, externalIdFieldName="Customer_Number__c")
    assert load.failed == []
    assert one(client, "SELECT Name FROM Account WHERE Customer_Number__c = 'N0'")["Name"] == (
        "Again"
    )
