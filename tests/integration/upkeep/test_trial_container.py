"""doctor's trial of the engine."""

from __future__ import annotations

import platform

from emulab.engine import connect
from emulab.engine.ownership import LABEL_ROLE
from emulab.images import Builder
from emulab.progress import Silent
from emulab.upkeep.checks import Health
from emulab.upkeep.trial import containers_check


def test_a_container_is_started_asked_and_gone_afterwards() -> None:
    engine = connect()
    Builder(engine.client, Silent()).ensure(["base"])
    check = containers_check(engine)
    assert check.health is Health.OK, check.seen
    assert check.seen == f"one was started and answered, on {platform.machine()}"
    assert engine.client.api.containers(all=True, filters={"label": f"{LABEL_ROLE}=trial"}) == []
