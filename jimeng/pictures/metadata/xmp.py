"""
A packet of XMP: written, put into another one, and read back.

https://developer.adobe.com/xmp/docs/; the names of IPTC are those of its Photo
Metadata Standard 2025.1. Nothing is parsed as XML: what a file holds may be hostile,
and all that is looked for is one text between two marks.
"""

import re
from xml.sax.saxutils import escape

from jimeng.pictures.metadata.provenance import SOFTWARE, Made, plain

NAME = "jimeng:Made"
MAX_PACKET_BYTES = 64_000  # bytes of a packet, which fits into a segment of JPEG
MAX_READ = 256 * 1024  # bytes of another's packet that are looked at
TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "jimeng": "urn:x-jimeng:picture#",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
HEAD = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">\n'
)
END = "</rdf:RDF>"
TAIL = END + '</x:xmpmeta>\n<?xpacket end="w"?>'
ABOUT = re.compile(r"""\brdf:about=("[^"<]*"|'[^'<]*')""")
# Other programs write a short text as an attribute.
FOUND = re.compile(
    rf"<{NAME}>(\{{[^<]*\}})</{NAME}>|\b{NAME}=\"(\{{[^\"<]*\}})\"|"
    rf"\b{NAME}='(\{{[^'<]*\}})'"
)
QUOTES = re.compile("&(?:quot|#34|#x22);")


def packet(made: Made, into: bytes = b"") -> bytes | None:
    """
    What is written of a picture, within the limits of every format.

    Args:
        into: The packet that the file has; all of it is kept.

    Returns:
        None if there is no room, or what the file has is nothing to add to.
    """
    for properties in (all_properties(made), own_property(made)):
        found = whole(properties) if not into else joined(properties, into)
        if found is None or len(found) <= MAX_PACKET_BYTES:
            return found
    return None


def whole(properties: dict[str, str]) -> bytes:
    return (HEAD + description(properties, '""') + TAIL).encode()


def joined(properties: dict[str, str], into: bytes) -> bytes | None:
    """The packet with ours in it, but for what it says already."""
    try:
        text = into.decode()
    except UnicodeDecodeError:
        return None
    begin, end, rest = text.rpartition(END)
    # A comment, or a text that is taken as it stands, may hold anything.
    if not end or len(into) > MAX_READ or re.search("<!|jimeng:", text):
        return None
    if re.search(r"""xmlns:rdf\s*=\s*["'](?!""" + re.escape(RDF) + ")", text):
        return None
    left = {name: each for name, each in properties.items() if name not in text}
    about = ABOUT.search(text)
    ours = description(left, about[1] if about else '""')
    return (begin + ours + end + rest).encode()


def description(properties: dict[str, str], about: str) -> str:
    names = {name.partition(":")[0] for name in properties}
    spaces = "".join(
        f' xmlns:{name}="{SPACES[name]}"' for name in SPACES if name in names
    )
    inner = "".join(f" <{name}>{each}</{name}>\n" for name, each in properties.items())
    return f"<rdf:Description rdf:about={about}{spaces}>\n{inner}</rdf:Description>\n"


def all_properties(made: Made) -> dict[str, str]:
    """Name -> what stands in it, as XML."""
    prompt = escape(plain(made.prompt))
    found = {
        "xmp:CreatorTool": SOFTWARE,
        "xmp:CreateDate": made.moment,
        "dc:description": f'<rdf:Alt><rdf:li xml:lang="x-default">{prompt}</rdf:li>'
        "</rdf:Alt>",
        "Iptc4xmpExt:DigitalSourceType": TYPES,
        "Iptc4xmpExt:AISystemUsed": escape(plain(made.model)),
        "Iptc4xmpExt:AIPromptInformation": prompt,
    }
    return {name: each for name, each in found.items() if each} | own_property(made)


def own_property(made: Made) -> dict[str, str]:
    return {NAME: made.as_json()}


def read(text: bytes) -> Made | None:
    """What a packet says of ours."""
    found = FOUND.search(text[:MAX_READ].decode(errors="replace"))
    if not found:
        return None
    return Made.from_json(QUOTES.sub('"', next(filter(None, found.groups()))))
