"""axe-core in a page: what keeps people from using it, in readable lines."""

import json
from functools import cache
from importlib.resources import files

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    # Off by default, as its level came with WCAG 2.2.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
# Whether what is too small to be hit at this place of the page is so at another, too:
# what stays in the window covers a part of whatever is just behind it.
AWAY_FROM = """
async ([target, options]) => {
  const [x, y] = [scrollX, scrollY];
  const place = { block: "center", behavior: "instant" };
  document.querySelector(target).scrollIntoView(place);
  const found = await axe.run(target, options);
  scrollTo({ left: x, top: y, behavior: "instant" });
  return found.violations.length > 0;
}
"""
SIZE = "target-size"
STYLES = "() => [...document.styleSheets].map((each) => each.href)"
# Colours on their way from one to another belong to neither state.
SETTLE = """
for (const each of document.getAnimations()) {
  try { each.finish(); } catch { each.cancel(); }
}
"""

_read: set[str] = set()


@cache
def source() -> str:
    """The script, from a package that does nothing else for us."""
    found = files("axe_playwright_python") / "axe.min.js"
    return found.read_text(encoding="utf-8")


def violations(page, within: str | None = None) -> list[str]:
    """
    Run axe-core and tell what it found: one line an element.

    The driver's scripts are outside the page's Content-Security-Policy, so that the
    page is tested under the policy that people get.

    Args:
        within: A CSS selector; by default the whole document.
    """
    page.evaluate(SETTLE)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source() + "\n;0")
    where = json.dumps(within) if within else "document"
    options = OPTIONS | {"preload": is_new(page.evaluate(STYLES))}
    found = page.evaluate(f"axe.run({where}, {json.dumps(options)})")
    return [
        f"{rule['id']} ({rule['impact']}): {reason(node)} at {node['target'][0]}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if rule["id"] != SIZE or is_small_everywhere(page, node["target"][0])
    ]


def is_small_everywhere(page, target: str) -> bool:
    options = {**OPTIONS, "runOnly": {"type": "rule", "values": [SIZE]}}
    return page.evaluate(AWAY_FROM, [target, options | {"preload": False}])


def is_new(styles: list[str]) -> bool:
    """
    Whether none has seen these stylesheets yet.

    One rule asks for them and reads them again, whether they turn a page by how it is
    held: half the time of all rules, for what no page, language or width changes.
    """
    read = frozenset(styles)
    if read <= _read:
        return False
    _read.update(read)
    return True


def reason(node: dict) -> str:
    """What is wrong with one element, in one line."""
    checks = node["any"] + node["all"] + node["none"]
    words = "; ".join(each["message"] for each in checks) or node["html"]
    return " ".join(words.split())
