"""Task 1: a number typed into the one box opens what happened to its record."""

from browser.conftest import Console, Visit


def a_customer(console: Console) -> str:
    """A customer number that the vault holds."""
    import json

    found = json.loads(console.unlost("find", "0040017", "--json"))
    assert found["best"]["table"] == "Account", "the number stands in other records, too"
    return "0040017"


def test_a_number_opens_its_record_without_a_click(console: Console, visit: Visit) -> None:
    number = a_customer(console)
    lena = visit()
    lena.open("/")
    lena.type(lena.page.get_by_role("searchbox"), number)
    lena.send()
    lena.page.wait_for_url("**/records/Account/**")
    assert lena.acts == 0
    assert lena.page.get_by_role("heading", level=1).is_visible()
    assert lena.page.get_by_role("link", name="History").get_attribute("aria-current")


def test_the_same_without_javascript(console: Console, visit: Visit) -> None:
    number = a_customer(console)
    lena = visit(java_script_enabled=False)
    lena.open("/")
    lena.page.get_by_role("searchbox").fill(number)
    lena.page.get_by_role("searchbox").press("Enter")
    lena.page.wait_for_url("**/records/Account/**")


def test_slash_and_control_k_lead_to_the_search_box(console: Console, visit: Visit) -> None:
    number = a_customer(console)
    lena = visit()
    for key in ("/", "Control+k"):
        lena.open("/")
        lena.page.keyboard.press(key)
        box = lena.page.get_by_role("searchbox")
        assert box.evaluate("(element) => element === document.activeElement"), key
        assert not box.input_value(), "the key itself is not typed"
        lena.page.keyboard.insert_text(number)
        lena.send()
        lena.page.wait_for_url("**/records/Account/**")
    lena.page.keyboard.press("/")
    lena.page.keyboard.press("/")
    assert lena.page.get_by_role("searchbox").input_value() == "/", "in the box it is a character"
    assert lena.acts == 0
