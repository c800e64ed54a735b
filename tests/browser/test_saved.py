"""Prompts are kept under a name in the clock's panel, used again, and undone."""

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import button

PROMPT = "雨后的小巷，一只猫蹲在青石板上，<b>远处</b>有灯笼，路面映着暖色的光"
SAVE = {"zh": "保存", "en": "Save"}
UNDO = {"zh": "撤销", "en": "Undo"}
CLOCK = "#menu-history > summary"


@pytest.fixture(autouse=True)
def nothing_kept(live_server):
    with live_server.database() as found:
        found["prompts"].delete_many({})


@every_look
def test_prompt_is_kept_and_used_again(visit, look):
    """Nothing of the panel goes into the form; what it replaces can be had back."""
    page = (seen := visit("/?size=16:9&n=2&seed=7&style=ink", **look)).page
    page.fill("#prompt", PROMPT)
    page.click(CLOCK)
    name = page.locator("#saved-name")
    name.press("Enter")
    expect(page.locator("#errors-saved p")).to_have_count(1)
    seen.check("create-saved-none")
    name.fill("雨巷")
    name.press("Enter")
    link = page.locator("#saved a[data-values]")
    expect(link).to_be_focused()
    name.fill("第二个名字，长一些也放得下")
    page.check("#saved-seed")
    button(page.locator("#saved"), SAVE[look["lang"]]).click()
    expect(link).to_have_count(2)
    seen.check("create-saved")

    page.keyboard.press("Escape")
    page.fill("#prompt", "另一句话")
    page.click(CLOCK)
    link.nth(1).click()

    expect(page.locator("#prompt")).to_have_value(PROMPT)
    for field, value in {"style": "ink", "size": "16:9", "n": "2"}.items():
        chosen = page.locator(f"#composer [name={field}][value='{value}']")
        expect(chosen).to_be_checked()
    assert page.locator("#seed").input_value() == ""
    button(page.locator("#undo"), UNDO[look["lang"]]).click()
    expect(page.locator("#prompt")).to_have_value("另一句话")


@every_look
def test_page_of_saved_prompts(visit, look):
    """Empty, with prompts, and one to be named without a script."""
    seen = visit("/prompts", **look)
    seen.check("prompts-empty")
    seen = visit("/?style=ink", **look, js=False)
    for name in ("雨巷", "A longer name for a prompt that is kept here"):
        seen.page.fill("#prompt", PROMPT * 3)
        seen.page.locator("[formaction='/prompts/new']").click()
        seen.page.fill("#name", name)
        if name == "雨巷":
            seen.check("prompts-new")
        seen.page.locator("form.panel button.primary").click()
        seen.page.locator(".key-row a").first.wait_for()
        seen.page.locator("a.back").click()
    seen = visit("/prompts", **look)
    seen.page.locator(".key-row summary").first.click()
    seen.check("prompts", full=True)
    seen.page.locator(".key-row .row > form button").first.click()
    expect(seen.page.locator(".key-row")).to_have_count(1)
    seen.check("prompts-deleted")
    seen.page.click("#undo")
    expect(seen.page.locator(".key-row")).to_have_count(2)
