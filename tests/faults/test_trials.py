"""The gate's share of the trials: the same moments each time. `python -m tests.faults` makes more."""

import pytest

from tests.faults.proxy import Fault, Kind, Passed, Way
from tests.faults.scenarios import OPERATIONS, SCENARIOS
from tests.faults.trial import Chance, Rig, scenario_of

SEED = 2
# the first scenarios cover all operations and both sides; later ones repeat them on Podman and without TLS
CHOSEN = 14
INDICES = [index for index in range(2 * len(SCENARIOS)) if index % len(SCENARIOS) < CHOSEN]


@pytest.fixture(scope="module")
def rig():
    """A maker of trials, if everything they need is running."""
    missing = sorted({words for scenario in SCENARIOS[:CHOSEN] if (words := scenario.missing_here())})
    if missing:
        pytest.skip("; ".join(missing))
    with Rig(SCENARIOS) as made:
        yield made


@pytest.mark.parametrize("index", sorted(INDICES, key=lambda index: index % len(SCENARIOS)))
def test_a_fault_at_a_moment_that_a_seed_chooses(rig, index):
    trial = rig.make(SEED, index)
    assert trial.verdict.outcome.allowed, f"{trial}\n{trial.replay}"


def test_the_gates_share_has_every_operation_and_every_fault():
    assert {scenario_of(SCENARIOS, index).operation for index in INDICES} == set(OPERATIONS)
    assert {Chance.of(SEED, index).kind for index in INDICES} == set(Kind)


def test_a_trial_is_what_its_seed_and_number_say():
    passed = [Passed(100, 1000), Passed(0, 0), Passed(50, 70_000)]
    faults = [Chance.of(7, index).fault(passed) for index in range(200)]
    assert faults == [Chance.of(7, index).fault(passed) for index in range(200)]
    assert {fault.kind for fault in faults} == set(Kind)
    for fault in faults:
        assert 0 <= fault.offset <= passed[fault.connection].count(fault.way)
        assert bool(fault.mask) == (fault.kind is Kind.CORRUPT)
        assert 0 not in fault.mask
    assert {fault.way for fault in faults} == set(Way)
    assert len({(fault.connection, fault.offset) for fault in faults}) > 100
    assert isinstance(faults[0], Fault)
