from __future__ import annotations

from dataclasses import replace

import pytest

from emulab.engine.host import Elevation, Host
from emulab.engine.installation import EngineState, Plan, Situation, needs_new_group_session, plan
from emulab.errors import EngineError


@pytest.fixture
def debian(tmp_path: object) -> Host:
    """A Debian whose apt-get is real to the look-up, run by root."""
    from pathlib import Path

    directory = Path(str(tmp_path))
    (directory / "apt-get").write_text("#!/bin/sh\n")
    (directory / "apt-get").chmod(0o755)
    return Host("Linux", ("debian",), "Debian 13", "root", Elevation.ROOT, False, str(directory))


def situation(engine: EngineState = EngineState.SILENT, *absent: str) -> Situation:
    programs = {name: None if name in absent else f"/bin/{name}" for name in _PROGRAMS}
    return Situation(engine, "unix:///var/run/docker.sock", False, programs, False, False)


_PROGRAMS = ("dockerd", "iptables", "mmdebstrap")


def test_bare_debian_gets_the_engine_installed_and_started(debian: Host) -> None:
    todo = plan(debian, situation(EngineState.SILENT, *_PROGRAMS))
    assert todo == Plan(packages=("docker.io", "iptables", "mmdebstrap"), start=True)
    assert todo.sentences() == [
        "install docker.io, iptables, mmdebstrap with apt-get",
        "start the Docker engine",
    ]


def test_installed_engine_that_does_not_run_is_only_started(debian: Host) -> None:
    assert plan(debian, situation()) == Plan(start=True)


def test_nothing_is_done_where_the_engine_answers(debian: Host) -> None:
    assert plan(debian, situation(EngineState.ANSWERS)).sentences() == []


def test_another_engine_that_answers_keeps_docker_from_being_installed(debian: Host) -> None:
    todo = plan(debian, situation(EngineState.ANSWERS, "dockerd", "iptables", "mmdebstrap"))
    assert todo == Plan(packages=("mmdebstrap",))


def test_absent_mmdebstrap_is_only_advice_where_nothing_can_be_installed(debian: Host) -> None:
    user = replace(debian, user="ann", elevation=Elevation.NONE)
    todo = plan(user, situation(EngineState.ANSWERS, "mmdebstrap"))
    assert todo.sentences() == []
    assert "mmdebstrap" in todo.advice[0]


def test_sudo_user_joins_the_group_and_root_does_not(debian: Host) -> None:
    user = replace(debian, user="ann", elevation=Elevation.SUDO)
    assert plan(user, situation()).join_group == "ann"
    assert plan(debian, situation()).join_group == ""
    assert plan(user, replace(situation(), in_group=True)).join_group == ""


def test_engine_named_by_the_user_is_never_replaced(debian: Host) -> None:
    found = replace(situation(), address="tcp://build:2375", address_is_given=True)
    with pytest.raises(EngineError, match=r"tcp://build:2375.*DOCKER_HOST") as caught:
        plan(debian, found)
    assert "unset DOCKER_HOST" in caught.value.hint
    assert caught.value.exit_status == 3


@pytest.mark.parametrize(
    ("family", "word"),
    [
        (("macos",), "colima"),
        (("fedora",), "moby-engine"),
        (("rocky", "rhel", "centos", "fedora"), "podman"),
        (("arch",), "pacman"),
        (("nixos",), "install Docker or podman"),
    ],
)
def test_other_systems_are_told_how_to_get_an_engine(
    debian: Host, family: tuple[str, ...], word: str
) -> None:
    with pytest.raises(EngineError) as caught:
        plan(replace(debian, family=family, name=family[0]), situation())
    assert word in caught.value.hint
    assert family[0] in caught.value.message


def test_debian_user_without_sudo_is_told_what_root_has_to_do(debian: Host) -> None:
    with pytest.raises(EngineError, match="ann has neither") as caught:
        plan(replace(debian, user="ann", elevation=Elevation.NONE), situation())
    assert "apt-get install docker.io" in caught.value.hint


def test_refused_user_joins_the_group_with_sudo_and_is_told_how_without(debian: Host) -> None:
    refused = situation(EngineState.REFUSES)
    user = replace(debian, user="ann", elevation=Elevation.SUDO)
    assert plan(user, refused) == Plan(join_group="ann")
    with pytest.raises(EngineError, match="refuses ann") as caught:
        plan(replace(user, elevation=Elevation.NONE), refused)
    assert "usermod -aG docker ann" in caught.value.hint


def test_session_older_than_its_group_needs_a_new_one_and_nothing_else(debian: Host) -> None:
    user = replace(debian, user="ann", elevation=Elevation.NONE)
    joined = replace(situation(EngineState.REFUSES), in_group=True)
    assert plan(user, joined) == Plan()
    assert needs_new_group_session(joined)
    assert not needs_new_group_session(replace(joined, session_in_group=True))


def test_member_whose_session_is_refused_all_the_same_is_an_error(debian: Host) -> None:
    found = replace(situation(EngineState.REFUSES), in_group=True, session_in_group=True)
    with pytest.raises(EngineError, match="refuses"):
        plan(debian, found)


def test_ubuntu_and_its_children_are_debian_enough(debian: Host) -> None:
    assert replace(debian, family=("linuxmint", "ubuntu", "debian")).has_apt
    assert not replace(debian, path="/nowhere").has_apt
    assert not replace(debian, family=("fedora",)).has_apt
