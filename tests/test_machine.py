"""Anything may happen in any order, and between any two writes: the laws hold."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import Machine
from tests.machine.world import World

EXAMPLES = int(os.environ.get("JIMENG_MACHINE_EXAMPLES", "0"))

PROFILE = settings(
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(
    "examples", [3, pytest.param(20, marks=pytest.mark.system, id="long")]
)
def test_laws_hold_in_any_interleaving(database, config, monkeypatch, examples):
    """Whatever befalls whom and when, nothing is lost, repeated or left behind."""
    world = World(config, monkeypatch)
    profile = settings(PROFILE, max_examples=EXAMPLES or examples)

    run_state_machine_as_test(lambda: Machine(world), settings=profile)
