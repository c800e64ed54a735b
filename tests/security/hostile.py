"""Texts, ids and values that try to be more than what they are put in for."""

MARKS = "\u0301\u0316\u0334"  # above, below and through the letter before them

# Each of them is a text that somebody may write into a form.
TEXTS = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "single quotes": "' onfocus=alert(1) autofocus='",
    "end of a block": "</title></textarea></style></script><svg onload=alert(1)>",
    "template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}{%print(7*7)%}{0}{x.__class__}%s%n",
    "entity": "&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;",
    "comment": "<!--><img src=x onerror=alert(1)>-->",
    "link": "javascript:alert(1)//",
    "right to left": "a\u202eexe.gnp\u2066\u200f\u061cb",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f466\U0001f3f4\U000e0067",
    "marks": "a" + 20 * MARKS,
    "lines": "a\r\nSet-Cookie: hacked=1\r\n\r\n<b>",
    "escape": "\x1b[31mred\x1b[0m\x07\x08\x7f\x9b31m",
    "formula": '=HYPERLINK("http://evil.example")',
    "path": "../../../../etc/passwd\\..\\con.nul",
    "odd letters": "\ufeff\ufffe\uffff\u2028\u2029\x85\u00ad",
}

# The same, several at a time, where each goes through much.
MIXED = {
    " and ".join(names): " ".join(TEXTS[name] for name in names)
    for names in (
        ("script", "attribute", "single quotes", "end of a block"),
        ("template", "entity", "comment", "link"),
        ("right to left", "emoji", "marks", "lines"),
        ("escape", "formula", "path", "odd letters"),
    )
}

# For names, which are of 100 characters at most.
NAMES = {
    " and ".join(names): " ".join(TEXTS[name] for name in names)
    for names in (
        ("script", "attribute", "single quotes"),
        ("end of a block", "comment"),
        ("template", "link"),
        ("entity", "formula"),
        ("marks", "lines"),
        ("right to left", "emoji", "escape", "path", "odd letters"),
    )
}

# Nobody's id: what stands for one in an address must be 404, whatever it is.
IDS = [
    *("x", "0", "-1", "9" * 40, "null", "507f1f77bcf86cd799439011", "$gt", ".*", "[]"),
    *('{"$gt": ""}', "..", "..%2f..%2fetc%2fpasswd", "..%5c..%5cboot.ini", "x%00y"),
    *("x%0d%0aX-Evil:%201", "%20", "%27%20or%201=1--", "%25s%25n%7B0%7D", "a" * 3000),
    *("%3Cscript%3E", "%7B%7B7*7%7D%7D", "%f0%9f%90%b1", "%e2%80%ae"),
    *("%ed%a0%80", "%ff%fe", "%c0%ae%c0%ae"),  # no UTF-8
    *("volcengine_img_", "user_" + "0" * 24, "key_" + "f" * 16),
]
