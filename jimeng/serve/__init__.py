"""
The two processes of an installation: ``python -m jimeng.serve web`` and ``worker``.

Both read their settings from the environment and ``.env``. The `Procfile`, the
container image and the supervisor start them this way.
"""
