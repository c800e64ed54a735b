"""
A local simulator of Volcengine: protocols, limits and errors of Visual and Ark.

It verifies every signature and API key with its own code, runs at most ``limit`` tasks
of each req_key, and records in a ledger what a real account would be billed. Pictures
and videos are drawn locally and marked as a demo.

**Directives in a prompt**, in double brackets, inject faults:

=============================  ================================================
``[[50411]]``                  the submission is refused with this code of
                               the service or the gateway
``[[QuotaExceeded]]``          the same on Ark, whose codes are names
``[[50429 2]]``                only the first two submissions of this prompt
``[[slow 20]]``                the task takes 20 seconds
``[[late 5]]``                 the submission is accepted, the response is
                               delayed by 5 s
``[[drop]]``                   accepted and billed; connection reset, no response
``[[drop_before]]``            connection reset before the task is accepted
``[[html_502]]``               any other kind of `faults.KINDS`
``[[poll 50511]]``             the task ends with this code and is not billed
``[[poll 50500 2]]``           codes that do not end the task: on every poll, or
                               on the first two
``[[poll expired_link 1]]``    any other kind, here a link that a poll renews
``[[image 404]]``              downloads fail; ``[[image 404 1]]``: only the first
``[[partial]]``                one picture of a group on Ark is refused
``[[video truncated 1]]``      the first download of a video breaks in the middle
=============================  ================================================

A number is a repeat count; for ``late``, ``slow`` and ``slow_body`` it is in seconds.
``README.md`` lists all kinds.

``--account ACCESS_KEY:SECRET_KEY[:LIMIT[:ARK_KEY]]`` adds an account with its own
tasks, limit and bill. The setting ``revoked`` is a key that is refused.

**Control endpoints**, unsigned, loopback only: ``GET /_simulator/ledger``;
``GET`` and ``POST /_simulator/settings`` (fields of `settings.Settings`);
``POST /_simulator/faults`` (a list of ``{"action", "kind", "times", "seconds",
"accepted"}``, consumed in order); ``POST /_simulator/reset``. An action is one of
`faults.ACTIONS`.
"""

from simulator.server import Simulator, run
