"""
What a picture was made of, written into a copy of its file on its way out, and read
back from one that is given.

No pixel is touched, and what is in the file stays there: above all the label of the
service that says it is a machine's.
"""

from jimeng.pictures.metadata.files import Written, read_back, written_into
from jimeng.pictures.metadata.provenance import Made
