"""The dashboard: it takes any source, and can be read."""

from tests.monitoring.test_alerts import DASHBOARD, PANELS


def test_dashboard_takes_any_source():
    """A fixed name of one is none of the reader's."""
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    rows = [each["title"] for each in DASHBOARD["panels"] if each["type"] == "row"]
    ids = [each["id"] for each in DASHBOARD["panels"]]

    assert variables == {"datasource": "datasource", "model": "query"}
    assert rows == ["Queue", "Latency", "Errors", "Money", "Storage"]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        sources = {each["datasource"]["uid"] for each in panel["targets"]}
        assert sources == {"${datasource}"}


def test_panels_do_not_cover_one_another():
    """As Grafana lays them out."""
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
