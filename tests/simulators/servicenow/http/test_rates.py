"""Rate rules: headers on every answer, and refusals with a time to wait."""

from simulators.servicenow.clients import Client, detail


def test_without_rules_nothing_is_said(client: Client) -> None:
    assert not [name for name in client.get("table/incident").headers if "rate" in name.lower()]


def test_a_rule_counts_the_hour(client: Client, agent: Client) -> None:
    rule = client.admin("rates", name="All", limit=2)
    first = agent.get("table/incident")
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert first.headers["X-RateLimit-Rule"] == rule["sys_id"]
    assert first.headers["X-RateLimit-Reset"] == "1795518000"
    assert agent.get("table/incident").status_code == 200
    refused = agent.get("table/incident")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2400"
    assert refused.headers["X-RateLimit-Limit"] == "2"
    assert refused.json()["error"]["message"] == "Rate limit exceeded"
    assert "2 requests per hour" in detail(refused)
    assert client.get("table/incident").status_code == 200
    client.admin("clock/advance", minutes=40)
    assert agent.get("table/incident").status_code == 200


def test_the_strongest_rule_counts(client: Client, agent: Client, guest: Client) -> None:
    client.admin("rates", name="All", limit=100)
    client.admin("users", name="agent", roles=["itil", "desk"])
    client.admin("rates", name="Role", limit=50, scope="role", subject="itil")
    client.admin("rates", name="Low role", limit=40, scope="role", subject="desk")
    assert guest.get("table/incident").headers["X-RateLimit-Limit"] == "100"
    assert agent.get("table/incident").headers["X-RateLimit-Limit"] == "40"
    client.admin("rates", name="User", limit=70, scope="user", subject="agent")
    assert agent.get("table/incident").headers["X-RateLimit-Limit"] == "70"


def test_the_rules_are_a_table(client: Client) -> None:
    client.admin("rates", name="All", limit=100)
    (row,) = client.list("sys_rate_limit_rules")
    assert (row["name"], row["limit"], row["type"]) == ("All", "100", "all")
    client.admin("rates/clear")
    assert client.list("sys_rate_limit_rules") == []


def test_a_rule_of_the_same_name_replaces_the_one_before(client: Client) -> None:
    client.admin("rates", name="all", limit=5)
    client.admin("rates", name="all", limit=2)
    assert [row["limit"] for row in client.list("sys_rate_limit_rules")] == ["2"]
    assert client.get("table/incident").status_code == 200
    assert client.get("table/incident").status_code == 429


def test_cleared_rules_forget_the_requests_that_they_counted(client: Client) -> None:
    client.admin("rates", name="all", limit=1)
    client.get("table/incident")
    client.admin("rates/clear")
    client.admin("rates", name="all", limit=1)
    assert client.get("table/incident").status_code == 200
