"""
Prompts that a user keeps under a name, with their settings.

`schemas`, `accounts` and the doors may import it; it knows no Flask.
"""

from jimeng.prompts.keeping import (
    LONGEST_PROMPT,
    Words,
    change,
    delete,
    find,
    find_all,
    save,
)
