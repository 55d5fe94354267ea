"""The numbers by which people know records of Salesforce, its system fields, and its addresses."""

from unlost.connectors.salesforce.connector import CONNECTOR
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind

EXTERNAL = frozenset({ColumnTrait.EXTERNAL_ID})
AUTO = frozenset({ColumnTrait.AUTO_NUMBER})
RECORD = "0015500001QdQWaAAN"


def column(name: str, kind: WireKind = WireKind.TEXT, traits: frozenset[ColumnTrait] = frozenset()) -> Column:  # fmt: skip
    return Column(name, kind, traits=traits)


def test_the_standard_number_comes_before_those_of_the_company() -> None:
    columns = (
        column("Id", WireKind.ID),
        column("Name"),
        column("Legacy__c", traits=EXTERNAL),
        column("Serial__c", traits=AUTO),
        column("AccountNumber"),
    )
    rule = CONNECTOR.display_rule(Table("Account", columns, name_column="Name"))
    assert rule.number_columns == ("AccountNumber", "Legacy__c", "Serial__c")


def test_a_number_that_is_the_name_is_not_repeated() -> None:
    columns = (column("CaseNumber", traits=AUTO), column("Subject"))
    rule = CONNECTOR.display_rule(Table("Case", columns, name_column="CaseNumber"))
    assert rule.number_columns == ()


def test_system_fields_are_known_by_their_names() -> None:
    names = ("Id", "Name", "IsDeleted", "SystemModstamp", "CreatedById", "OwnerId")
    rule = CONNECTOR.display_rule(Table("Account", tuple(map(column, names)), name_column="Name"))
    assert rule.system_columns == {"Id", "IsDeleted", "SystemModstamp", "CreatedById"}


def test_a_comment_without_a_name_is_known_by_its_text() -> None:
    columns = (column("ParentId"), column("CommentBody"))
    assert CONNECTOR.display_rule(Table("CaseComment", columns)).text_columns == ("CommentBody",)
    mail = (column("TextBody"), column("Name"), column("Subject"))
    rule = CONNECTOR.display_rule(Table("EmailMessage", mail, name_column="Name"))
    assert rule.text_columns == ("Subject", "TextBody"), "the shortest first"


def test_a_file_and_the_name_itself_are_no_texts() -> None:
    task = (column("Subject"), column("Description"), column("Body", WireKind.BINARY))
    rule = CONNECTOR.display_rule(Table("Task", task, name_column="Subject"))
    assert rule.text_columns == ("Description",)
