"""
Sharing: a page for whoever has its link, of a collection or of one picture.

What it shows is looked up each time, so that deleting, trash and retention need no
word here; the pictures have addresses below the page's, so that they end with it.
`schemas`, `accounts`, `operations` and the doors may import it; it knows no Flask.
"""

from jimeng.sharing.listing import Listed, everybodys, page
from jimeng.sharing.names import name_of
from jimeng.sharing.owning import (
    LONGEST_TITLE,
    find,
    look,
    of_target,
    replace_link,
    revoke,
    share_or_update,
)
from jimeng.sharing.visiting import (
    Visit,
    beside,
    card,
    card_size,
    content,
    named,
    open_page,
    visit,
)
