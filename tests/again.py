"""
What is made anew with each application, made once.

The tests build hundreds of them. What takes longest is what comes out the same each
time: the templates' code, which Jinja keeps in files for all processes of a run, and
the code by which the router makes addresses.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable

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
    Rule._compile_builder = kept(Rule._compile_builder)


def kept(compile_builder: Callable) -> Callable:
    """The same, once for each rule: what it makes depends on nothing else."""
    made: dict[tuple, Callable] = {}

    def once(rule: Rule, append_unknown: bool = True) -> Callable:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (rule.rule, append_unknown, *rule._trace)
        if key not in made:
            made[key] = compile_builder(rule, append_unknown)
        return made[key]

    return once
