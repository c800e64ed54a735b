"""A downloaded picture is dropped on the page: its words and settings are offered."""

from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import button, make

PROMPT = "窗台上的猫 <b>&amp;</b>，清晨的光穿过薄纱，木地板上有长长的影子"
DROP = """
async (path) => {
  const data = new DataTransfer();
  const blob = await (await fetch(path)).blob();
  data.items.add(new File([blob], "picture", { type: blob.type }));
  const init = { bubbles: true, cancelable: true, dataTransfer: data };
  document.getElementById("prompt").dispatchEvent(new DragEvent("drop", init));
}
"""
USE = {"zh": "使用提示词和设置", "en": "Use prompt and settings"}
UNDO = {"zh": "撤销", "en": "Undo"}


@every_look
def test_dropped_picture_gives_its_words_back(visit, live_server, look):
    """It stays a reference beside that; what its words replace can be had back."""
    task_id = make(live_server, PROMPT, seed=4711, style="ink", size="1664x936")
    page = (seen := visit("/?model=jimeng-i2i-3.0", **look)).page
    page.fill("#prompt", "另一句话")
    link = page.locator(f"#task-{task_id} a[download]").first.get_attribute("href")
    page.wait_for_function("() => typeof saidBy === 'function'")

    page.evaluate(DROP, link)

    offer = page.locator(".says")
    expect(offer.locator("q")).to_have_text(PROMPT)
    expect(page.locator("#inputs [name=image]")).to_have_count(1)
    assert page.locator("#prompt").input_value() == "另一句话"
    seen.check("create-says")

    button(page, USE[look["lang"]]).press("Enter")

    expect(page.locator("#prompt")).to_have_value(PROMPT)
    expect(page.locator("#prompt")).to_be_focused()
    assert page.locator("#seed").input_value() == "4711"
    for name, value in {"style": "ink", "size": "16:9"}.items():
        chosen = page.locator(f"#composer [name={name}][value='{value}']")
        expect(chosen).to_be_checked()
    expect(page.locator("#inputs [name=image]")).to_have_count(0)
    expect(offer).to_have_count(0)
    button(page.locator("#undo"), UNDO[look["lang"]]).click()
    expect(page.locator("#prompt")).to_have_value("另一句话")
    expect(page.locator("#inputs [name=image]")).to_have_count(1)
