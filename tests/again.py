"""
What is made anew with each application, made once.

The tests build hundreds of them. What takes longest is what comes out the same each
time: the templates' code, which Jinja keeps in files for all processes of a run, and
what the router makes of a rule.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from types import MethodType

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

FOLDER = "TESTS_COMPILED"  # names the templates' code to the processes of a run


def begin() -> None:
    """Let applications of this process be made so; what is started has the folder."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = made = tempfile.mkdtemp(prefix="jimeng-templates-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
    cache = FileSystemBytecodeCache(os.environ[FOLDER])
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": cache}
    Rule.compile = kept(Rule.compile)


def kept(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """The same, once for each rule: what it makes depends on nothing else."""
    made: dict[tuple, Rule] = {}

    def once(rule: Rule) -> None:
        if rule.defaults or rule.map.host_matching:
            return compile_rule(rule)
        converters = rule.map.converters.items()
        key = (rule.rule, rule.subdomain, rule.merge_slashes, *converters)
        if key not in made:
            compile_rule(rule)
            made[key] = rule
            return None
        same = made[key]
        rule.arguments = {*same.arguments}
        for name in ("_parts", "_trace", "_converters"):
            setattr(rule, name, getattr(same, name))
        for name in ("_build", "_build_unknown"):
            setattr(rule, name, MethodType(getattr(same, name).__func__, rule))
        return None

    return once
