"""
Metadata of pictures: write the provenance into downloaded copies, and read it back from
uploaded files.

Pixels and existing metadata are not changed, above all the provider's label that marks
the picture as AI-generated.
"""

from jimeng.pictures.metadata.files import Written, read_back, write_into
from jimeng.pictures.metadata.provenance import Provenance
