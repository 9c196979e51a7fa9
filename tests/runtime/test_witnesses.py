"""What each rule's page claims is true: the program that it objects to does what the page says, on this Flax."""

from __future__ import annotations

import importlib.metadata

import pytest
from epochs import outcome_of_program
from installed import RELEASE, release_named
from witnesses import PRELUDE, WITNESSES, Program, Witness

from flake8_nnx_treemap.rules.catalogue import rules_about_code

pytestmark = pytest.mark.runtime

JAX_RELEASE = release_named(importlib.metadata.version("jax"))
IDS = [f"{witness.code}-{witness.claim}" for witness in WITNESSES]


def expected_here(program: Program) -> str:
    return program.expected_on(JAX_RELEASE if program.of_jax else RELEASE)


@pytest.mark.parametrize("witness", WITNESSES, ids=IDS)
def test_the_program_does_what_the_rule_says(witness: Witness) -> None:
    assert outcome_of_program(PRELUDE + witness.wrong.text) == expected_here(witness.wrong)


@pytest.mark.parametrize("witness", WITNESSES, ids=IDS)
def test_the_remedy_does_what_is_meant(witness: Witness) -> None:
    assert outcome_of_program(PRELUDE + witness.right.text) == expected_here(witness.right)


def test_every_rule_has_a_witness() -> None:
    assert {rule.code for rule in rules_about_code()} <= {witness.code for witness in WITNESSES}
