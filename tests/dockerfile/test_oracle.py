"""What we find in Dockerfiles is what BuildKit finds: thousands of texts, by fixed seeds."""

import pytest

from . import oracle as comparison
from .texts import corpus

_BATCH = 500


@pytest.fixture(scope="module")
def oracle():
    """BuildKit's parser, checks and rules."""
    part = comparison.DockerfileOracle()
    if not part.status():
        pytest.skip(f"{part.name}: {part.status().detail}")
    return comparison.Oracle(part.binary())


def shown(found, seed):
    """Differences with the command that shows each again."""
    return "\n".join(
        f"python -m tests.dockerfile.oracle --seed {seed} --case {case}  # {one.kind}: {one.detail}"
        for case, one in found[:20]
    )


def unexpected(found):
    """Differences other than what we leave to BuildKit."""
    return [(case, one) for case, one in found if one.kind not in comparison.LEFT_TO_BUILDKIT]


def test_fixtures_and_examples(oracle):
    found = unexpected(comparison.compare(oracle, 1, range(len(corpus())), comparison.Tally()))
    assert not found, shown(found, 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mutants_and_generated_texts(oracle, seed):
    for case in range(len(corpus()), 10_000, _BATCH):
        found = unexpected(comparison.compare(oracle, seed, range(case, case + _BATCH), comparison.Tally()))
        assert not found, shown(found, seed)
