"""The API's description in a real browser, where it can be tried."""

from tests.browser.harness import every_look

OPEN_ALL = (
    "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
)
WIDTH = "document.documentElement.scrollWidth"
# One template renders all operations: axe checks those that have an element of a new
# kind, by its path and style, and not some ten thousand. Takes the others away.
ONE_OF_A_KIND = """
() => {
  const seen = new Set();
  const look = (each) => {
    const style = getComputedStyle(each);
    const names = ["color", "backgroundColor", "opacity", "fontSize", "fontWeight"];
    return [each.tagName, ...names.map((name) => style[name])].join();
  };
  const kinds = (each, above) => {
    const kind = `${above} ${look(each)}`;
    return [kind, ...[...each.children].flatMap((child) => kinds(child, kind))];
  };
  for (const each of document.querySelectorAll(".api-operation")) {
    const found = kinds(each, "");
    if (!found.some((kind) => !seen.has(kind))) each.remove();
    for (const kind of found) seen.add(kind);
  }
  return document.querySelectorAll(".api-operation[open]").length;
}
"""


@every_look
def test_page_shows_and_tries_the_api(visit, look):
    """Under the strict policy a request can be sent, and all of it can be read."""
    seen = visit("/docs", **look)
    row = seen.page.locator("#list_models")

    row.locator(":scope > summary").click()
    row.locator(".api-try > summary").click()
    row.locator(".api-try button").click()

    row.locator("output", has_text="doubao-seedream").wait_for()
    seen.page.evaluate(OPEN_ALL)
    assert seen.page.evaluate(WIDTH) <= look["width"]
    assert seen.page.evaluate(ONE_OF_A_KIND) >= 3
    seen.check("docs")


def test_address_opens_what_it_names(visit):
    """And a body is sent as it stands in its field."""
    seen = visit("/docs#create_task", lang="en", refused=(422,))
    row = seen.page.locator("#create_task")
    row.locator(".api-try > summary").click()
    row.locator("textarea").fill('{"prompt": ""}')

    row.get_by_role("button", name="Send").click()

    row.locator("output", has_text="validation_failed").wait_for()
