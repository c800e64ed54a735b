"""What a browser says it is, in the words that people have for it."""

# In this order: most of them claim to be those below as well.
BROWSERS = (
    *(("MicroMessenger", "微信 WeChat"), ("Edg", "Edge"), ("OPR/", "Opera")),
    *(("SamsungBrowser", "Samsung Internet"), ("HuaweiBrowser", "Huawei Browser")),
    *(("FxiOS", "Firefox"), ("Firefox", "Firefox")),
    *(("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
)
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
    *(("HarmonyOS", "HarmonyOS"), ("Windows", "Windows"), ("Mac OS X", "macOS")),
    *(("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def name_of(browser: str) -> str:
    """``Chrome · Windows`` and the like; empty where it is none of the known ones."""
    known = (
        next((name for mark, name in marks if mark in browser), None)
        for marks in (BROWSERS, SYSTEMS)
    )
    return " · ".join(name for name in known if name)
