"""
The libraries that the web server's workers need, loaded before these are forked.

So they are loaded once and their memory is shared. Nothing of jimeng is among them:
workers that are renewed take the code as it is then.
"""

import gc
import importlib

LIBRARIES = (
    *("flask", "flask_smorest", "mongoengine", "gridfs", "redis", "huey"),
    *("requests", "PIL.Image", "prometheus_client"),
)

# As in `wsgi`; and what nobody looks through stays shared.
gc.disable()
for _name in LIBRARIES:
    importlib.import_module(_name)
gc.freeze()
gc.enable()
