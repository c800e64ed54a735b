"""
The two processes of an installation: ``python -m jimeng.serve web`` and ``worker``.

Both take their settings from the environment and ``.env``, as everything else does.
The `Procfile`, the image and the supervisor all start them this way.
"""
