"""Getting a container engine onto this machine: what is missing, what to do about it, and doing it.

``survey`` looks, ``plan`` decides (a pure function of what was seen), ``carry_out`` does it.
"""

from __future__ import annotations

import enum
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from emulab.engine.daemon import Daemon, start
from emulab.engine.host import Elevation, Host
from emulab.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.progress import Progress

_GROUP = "docker"
# What gives a program of this name on Debian and Ubuntu.
_PACKAGES = {"dockerd": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}
_ELSEWHERE = {
    "macos": "install Docker Desktop, or `brew install colima docker && colima start`, or podman with "
    "`podman machine init --now`",
    "fedora": "`sudo dnf install moby-engine && sudo systemctl enable --now docker`, or podman with "
    "`systemctl --user enable --now podman.socket`",
    "rhel": "install podman and `systemctl --user enable --now podman.socket`",
    "suse": "`sudo zypper install docker && sudo systemctl enable --now docker`",
    "arch": "`sudo pacman -S docker && sudo systemctl enable --now docker`",
    "alpine": "`apk add docker && rc-update add docker && service docker start` as root",
    "debian": "as root: `apt-get install docker.io mmdebstrap`, then `service docker start`",
}
_ANYWHERE = "install Docker or podman and start it, or point DOCKER_HOST at an engine that runs"


class EngineState(enum.Enum):
    """What an engine on this machine says when it is asked."""

    ANSWERS = "answers"
    REFUSES = "refuses this user"
    SILENT = "does not answer"


@dataclass(frozen=True)
class Situation:
    """What there is before anything is done.

    :param engine: what the engine says.
    :param address: where it was asked, when it answered or DOCKER_HOST or the docker context names it.
    :param address_is_given: whether the user named it; then it is theirs to install and start.
    :param programs: name to path, None where it is absent.
    :param in_group: whether this user is in the engine's group by the group database, whatever
        groups this session has.
    :param session_in_group: whether this session is.
    """

    engine: EngineState
    address: str
    address_is_given: bool
    programs: Mapping[str, str | None]
    in_group: bool
    session_in_group: bool


@dataclass(frozen=True)
class Plan:
    """What to do, in this order.

    :param packages: packages to install.
    :param start: whether to start the daemon.
    :param join_group: the user to add to the engine's group, or "".
    :param advice: what is missing but neither needed at once nor to be had here.
    """

    packages: tuple[str, ...] = ()
    start: bool = False
    join_group: str = ""
    advice: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Return what it will do, one line each; none when there is nothing to do."""
        lines = []
        if self.packages:
            lines.append(f"install {', '.join(self.packages)} with apt-get")
        if self.start:
            lines.append("start the Docker engine")
        if self.join_group:
            lines.append(f"add {self.join_group} to the group {_GROUP}, which may then use the engine")
        return lines


def survey(host: Host, daemon: Daemon) -> Situation:
    """Look at what there is; changes nothing."""
    from emulab.engine.connection import configured_address, connect

    given = configured_address()
    address = given or f"unix://{daemon.socket}"
    try:
        engine = connect()
        state, address = EngineState.ANSWERS, engine.address
        engine.client.close()
    except EngineError:
        refused = daemon.socket.exists() and not os.access(daemon.socket, os.R_OK | os.W_OK)
        state = EngineState.REFUSES if refused and not given else EngineState.SILENT
    in_group, session_in_group = _membership(host.user)
    return Situation(
        engine=state,
        address=address,
        address_is_given=given is not None,
        programs={name: host.program(name) for name in _PACKAGES},
        in_group=in_group,
        session_in_group=session_in_group,
    )


def plan(host: Host, found: Situation) -> Plan:
    """Return what has to be done so that the engine answers this user.

    :raises EngineError: nothing that may be done here would help, with what the user can do.
    """
    privileged = host.elevation is not Elevation.NONE
    missing = [name for name, path in found.programs.items() if path is None]
    if found.engine is EngineState.ANSWERS:
        return _plan_beside_engine(host, missing, privileged)
    if found.address_is_given:
        raise EngineError(
            f"no container engine answers at {found.address}, which DOCKER_HOST or the docker context names",
            hint="start that engine, or unset DOCKER_HOST (or `docker context use default`) and run "
            "`emulab setup` again to use this machine's own",
        )
    if found.engine is EngineState.REFUSES:
        return _plan_for_refused(host, found, privileged)
    if not host.has_apt:
        family = next((name for name in host.family if name in _ELSEWHERE), "")
        raise EngineError(
            f"no container engine answers on this machine ({host.name})",
            hint=_ELSEWHERE.get(family, _ANYWHERE),
        )
    if not privileged:
        raise EngineError(
            f"no container engine answers, and {host.user} has neither root's rights nor sudo to "
            "install and start one",
            hint=_ELSEWHERE["debian"],
        )
    return Plan(
        packages=tuple(_PACKAGES[name] for name in missing),
        start=True,
        join_group="" if host.elevation is Elevation.ROOT or found.in_group else host.user,
    )


def _plan_beside_engine(host: Host, missing: Sequence[str], privileged: bool) -> Plan:
    """Plan for an engine that answers: only what base images may need is left."""
    if "mmdebstrap" not in missing:
        return Plan()
    if host.has_apt and privileged:
        return Plan(packages=("mmdebstrap",))
    return Plan(advice=("mmdebstrap is absent: base images then need a registry that can be reached",))


def _plan_for_refused(host: Host, found: Situation, privileged: bool) -> Plan:
    if found.in_group and not found.session_in_group:
        return Plan()
    if privileged and not found.in_group:
        return Plan(join_group=host.user)
    raise EngineError(
        f"the container engine at {found.address} refuses {host.user}",
        hint=f"as root: `usermod -aG {_GROUP} {host.user}`, then log in again",
    )


def carry_out(todo: Plan, host: Host, daemon: Daemon, progress: Progress) -> None:
    """Do what a plan says.

    :raises InfrastructureError: a package could not be installed.
    :raises EngineError: the daemon did not come up, with the last lines of its log.
    """
    from emulab.engine import apt
    from emulab.engine.privileged import run_as_root

    if todo.packages:
        apt.install(todo.packages, host.elevation, progress)
    if todo.join_group:
        with progress.step(f"adding {todo.join_group} to the group {_GROUP}") as step:
            run_as_root(host.elevation, ["usermod", "-aG", _GROUP, todo.join_group], step)
    if todo.start:
        start(daemon, host, progress)


def needs_new_group_session(found: Situation) -> bool:
    """Tell whether the engine refuses only because this session began before the user joined its group."""
    return found.engine is EngineState.REFUSES and found.in_group and not found.session_in_group


def continue_in_group(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by ``emulab ARGUMENTS`` in a session that has the engine's group."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = shlex.join([sys.executable, "-m", "emulab", *arguments])
    os.execvp("sg", ["sg", _GROUP, "-c", command])


def machines_daemon() -> Daemon:
    """Return this machine's own Docker daemon, with its log among emulab's state."""
    import platformdirs

    return Daemon(log=Path(platformdirs.user_state_dir("emulab")) / "dockerd.log")


def _membership(user: str) -> tuple[bool, bool]:
    """Tell whether the user is in the engine's group by the database, and whether this session is."""
    import grp
    import pwd

    try:
        group = grp.getgrnam(_GROUP)
    except KeyError:
        return False, False
    try:
        primary = pwd.getpwnam(user).pw_gid
    except KeyError:
        primary = -1
    in_session = group.gr_gid in (os.getegid(), *os.getgroups())
    return user in group.gr_mem or primary == group.gr_gid, in_session
