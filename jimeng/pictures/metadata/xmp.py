"""
XMP packets: create, merge into an existing one, and read.

https://developer.adobe.com/xmp/docs/; the names of IPTC are those of its Photo
Metadata Standard 2025.1. Nothing is parsed as XML: a file may be hostile, and only one
text between two delimiters is needed.
"""

import re
from xml.sax.saxutils import escape

from jimeng.pictures.metadata.provenance import SOFTWARE, Provenance, plain

NAME = "jimeng:Made"
MAX_PACKET_BYTES = 64_000  # fits into a JPEG segment
MAX_READ_BYTES = 256 * 1024  # of an existing packet
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
# Other programs serialise a short text as an attribute.
STORED_PROVENANCE = re.compile(
    rf"<{NAME}>(\{{[^<]*\}})</{NAME}>|\b{NAME}=\"(\{{[^\"<]*\}})\"|"
    rf"\b{NAME}='(\{{[^'<]*\}})'"
)
QUOTES = re.compile("&(?:quot|#34|#x22);")


def packet(provenance: Provenance, into: bytes = b"") -> bytes | None:
    """
    Create the packet of a picture, within the limits of every format.

    Args:
        into: The existing packet of the file, all of which is retained.

    Returns:
        None if it would be too large, or the existing packet cannot be extended.
    """
    for properties in (all_properties(provenance), own_property(provenance)):
        found = new_packet(properties) if not into else merged_packet(properties, into)
        if found is None or len(found) <= MAX_PACKET_BYTES:
            return found
    return None


def new_packet(properties: dict[str, str]) -> bytes:
    return (HEAD + description(properties, '""') + TAIL).encode()


def merged_packet(properties: dict[str, str], into: bytes) -> bytes | None:
    """The existing packet with the properties that it lacks."""
    try:
        text = into.decode()
    except UnicodeDecodeError:
        return None
    begin, end, rest = text.rpartition(END)
    # Comments and CDATA sections may contain anything.
    if not end or len(into) > MAX_READ_BYTES or re.search("<!|jimeng:", text):
        return None
    if re.search(r"""xmlns:rdf\s*=\s*["'](?!""" + re.escape(RDF) + ")", text):
        return None
    missing = {name: each for name, each in properties.items() if name not in text}
    about = ABOUT.search(text)
    ours = description(missing, about[1] if about else '""')
    return (begin + ours + end + rest).encode()


def description(properties: dict[str, str], about: str) -> str:
    names = {name.partition(":")[0] for name in properties}
    spaces = "".join(
        f' xmlns:{name}="{SPACES[name]}"' for name in SPACES if name in names
    )
    inner = "".join(f" <{name}>{each}</{name}>\n" for name, each in properties.items())
    return f"<rdf:Description rdf:about={about}{spaces}>\n{inner}</rdf:Description>\n"


def all_properties(provenance: Provenance) -> dict[str, str]:
    """Property name -> its content, as XML."""
    prompt = escape(plain(provenance.prompt))
    found = {
        "xmp:CreatorTool": SOFTWARE,
        "xmp:CreateDate": provenance.moment,
        "dc:description": f'<rdf:Alt><rdf:li xml:lang="x-default">{prompt}</rdf:li>'
        "</rdf:Alt>",
        "Iptc4xmpExt:DigitalSourceType": TYPES,
        "Iptc4xmpExt:AISystemUsed": escape(plain(provenance.model)),
        "Iptc4xmpExt:AIPromptInformation": prompt,
    }
    return {name: each for name, each in found.items() if each} | own_property(
        provenance
    )


def own_property(provenance: Provenance) -> dict[str, str]:
    return {NAME: provenance.as_json()}


def read(text: bytes) -> Provenance | None:
    """Read the provenance from a packet."""
    found = STORED_PROVENANCE.search(text[:MAX_READ_BYTES].decode(errors="replace"))
    if not found:
        return None
    return Provenance.from_json(QUOTES.sub('"', next(filter(None, found.groups()))))
