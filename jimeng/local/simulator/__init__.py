"""
Volcengine on this machine: Visual and Ark with their protocols, limits and errors.

It checks every signature and key with code of its own, runs at most ``limit`` tasks
for each req_key, and writes down in a ledger what a real account would be billed. The
pictures are drawn here and marked as a demo.

**Words in a prompt** make it misbehave on demand. They stand in double brackets:

=============================  ================================================
``[[50411]]``                  submission answered with this code of the
                               service or the gateway
``[[QuotaExceeded]]``          the same on Ark, whose codes are names
``[[50429 2]]``                only the first two submissions of this very prompt
``[[slow 20]]``                the task takes 20 seconds
``[[late 5]]``                 the submission is accepted, its answer comes 5 s
                               later
``[[drop]]``                   accepted and billed, the connection reset, no answer
``[[drop_before]]``            connection reset before anything was accepted
``[[html_502]]``               any other kind of `kinds.KINDS`
``[[poll 50511]]``             the task ends with this code and is not billed
``[[poll 50500 2]]``           codes that end no task: on every poll, or the first
                               two
``[[poll expired_link 1]]``    any other kind, here a link that is renewed
``[[image 404]]``              the download fails; ``[[image 404 1]]``: the first
``[[partial]]``                one picture of a group on Ark is refused
=============================  ================================================

A number is how many times, or for ``late``, ``slow`` and ``slow_body`` the seconds.
``docs/simulator.md`` lists all kinds.

``--account ACCESS_KEY:SECRET_KEY[:LIMIT[:ARK_KEY]]`` lets a further account in, whose
tasks, limit and bill are its own. The setting ``revoked`` is a key that is refused.

**Control endpoints**, unsigned and for loopback only: ``GET /_simulator/ledger``;
``GET`` and ``POST /_simulator/settings`` (fields of `settings.Settings`);
``POST /_simulator/faults`` (a list of ``{"action", "kind", "times", "seconds",
"accepted"}``, used up in order); ``POST /_simulator/reset``. An action is one of
`kinds.ACTIONS`.
"""

from jimeng.local.simulator.server import Simulator, run
