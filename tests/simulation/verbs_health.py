"""Scenes of the report: whatever fails, there is one, and it changes nothing."""

from chalicelib.health import usecases as health
from chalicelib.health.model import CheckName
from tests.fakes.health import examination
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held
from tests.simulation.stage import Stage


def _examined(stage: Stage) -> Verb:
    held(stage)
    examine = examination(stage.table, stage.world)

    def report() -> None:
        assert {check.name for check in examine.examine().checks} == set(CheckName)

    return report


HEALTH = [Registered("examine", _examined, (health.Examine.examine,))]
