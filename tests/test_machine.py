"""Anything may happen in any order, and between any two writes: the laws hold."""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Machine
from tests.machine.world import World

EXAMPLES = int(os.environ.get("JIMENG_MACHINE_EXAMPLES", "0"))
QUICK = 16

PROFILE = settings(
    max_examples=EXAMPLES or QUICK,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_laws_hold_in_any_interleaving(database, config, monkeypatch):
    """Whatever befalls whom and when, nothing is lost, repeated or left behind."""
    world = World(config, monkeypatch)

    run_state_machine_as_test(lambda: Machine(world), settings=PROFILE)
