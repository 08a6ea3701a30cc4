"""Starting Docker's daemon so that it outlives its starter, and waiting until it answers."""

from __future__ import annotations

import contextlib
import http.client
import shlex
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.engine.privileged import run_as_root
from emulab.errors import EngineError, InfrastructureError

if TYPE_CHECKING:
    from emulab.engine.host import Host
    from emulab.progress import Progress, Step

START_TIMEOUT_S = 90.0
_SERVICE_TIMEOUT_S = 20.0
_POLL_S = 0.1
_PING_TIMEOUT_S = 5.0
_LINES_SHOWN = 15
_POLICY = "/usr/sbin/policy-rc.d"
_POLICY_DENIES = 101  # invoke-rc.d's interface: "action forbidden by policy"

# nohup and setsid take the daemon out of reach of the terminal's hang-up and Ctrl-C; its output goes to
# the log alone, so that nobody who reads ours waits for it. In a shell without job control the
# background child leads no group, so setsid does not fork and $! is the daemon's own process id.
_LAUNCH = 'log=$1; shift; nohup setsid "$@" </dev/null >>"$log" 2>&1 & echo $!'
_MOUNT_CGROUPS = "grep -q ' cgroup2\\? ' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup || :"


@dataclass(frozen=True)
class Daemon:
    """One Docker daemon on this machine.

    :param socket: where it listens.
    :param pid_file: where it writes its process id.
    :param log: where its output goes when it is started without a service.
    :param arguments: further arguments, for a daemon that is not the machine's own.
    """

    log: Path
    socket: Path = Path("/var/run/docker.sock")
    pid_file: Path = Path("/var/run/docker.pid")
    arguments: tuple[str, ...] = ()

    @property
    def is_machines_own(self) -> bool:
        """Tell whether it is the one that a service of the machine would start."""
        return not self.arguments

    def answers(self) -> bool:
        """Tell whether it answers on its socket; one that refuses this user does."""
        connection = http.client.HTTPConnection("localhost", timeout=_PING_TIMEOUT_S)
        with contextlib.closing(connection):
            try:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(_PING_TIMEOUT_S)
                connection.sock.connect(str(self.socket))
                connection.request("GET", "/_ping")
                return connection.getresponse().status == http.client.OK
            except PermissionError:
                # A socket that a dead daemon left refuses this user just as well.
                return self.running_pid() is not None
            except (OSError, http.client.HTTPException):
                return False

    def running_pid(self) -> int | None:
        """Return the process id of the daemon that wrote the pid file, or None when none lives."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if _is_dockerd(pid) else None


def start(daemon: Daemon, host: Host, progress: Progress, *, timeout_s: float = START_TIMEOUT_S) -> None:
    """Start the daemon and wait until it answers: by the machine's service where it has one.

    :raises EngineError: it did not come up, with the last lines of its log.
    """
    with progress.step("starting Docker") as step:
        if daemon.answers():
            return
        if (pid := daemon.running_pid()) is not None:
            step.update("its process is there; waiting for its socket")
            if _wait(daemon, pid, step, timeout_s):
                return
            if _is_alive(pid):
                raise EngineError(
                    f"dockerd runs (process {pid}) but does not answer at {daemon.socket}",
                    hint="restart it, or point DOCKER_HOST at where it listens",
                )
        if daemon.is_machines_own and _start_service(daemon, host, step, progress):
            return
        _start_detached(daemon, host, step, timeout_s)


def _start_service(daemon: Daemon, host: Host, step: Step, progress: Progress) -> bool:
    """Start it as the machine's own service; False when there is none that works."""
    if host.has_systemd:
        argv = ["systemctl", "start", "docker"]
    elif Path("/etc/init.d/docker").exists() and not _policy_denies(host, step):
        argv = ["service", "docker", "start"]
    else:
        return False
    step.update(" ".join(argv))
    try:
        run_as_root(host.elevation, argv, step)
    except InfrastructureError as error:
        if host.has_systemd:
            raise EngineError(
                "systemd could not start Docker", hint="see `journalctl -u docker`", detail=error.detail
            ) from error
        progress.note(f"{error.message}; starting dockerd without it")
        return False
    return _wait(daemon, None, step, START_TIMEOUT_S if host.has_systemd else _SERVICE_TIMEOUT_S)


def _policy_denies(host: Host, step: Step) -> bool:
    """Tell whether the machine's owner forbids starting services (as containers' base images do)."""
    if not Path(_POLICY).exists():
        return False
    script = f"{_POLICY} docker start >/dev/null 2>&1; [ $? -ne {_POLICY_DENIES} ]"
    try:
        run_as_root(host.elevation, ["sh", "-c", script], step)
    except InfrastructureError:
        return True
    return False


def _start_detached(daemon: Daemon, host: Host, step: Step, timeout_s: float) -> None:
    program = host.program("dockerd")
    if program is None:
        raise EngineError("there is no dockerd on this machine", hint="`emulab setup` installs it on Debian")
    step.update(f"dockerd, with its log in {daemon.log}")
    daemon.log.parent.mkdir(parents=True, exist_ok=True)
    offset = daemon.log.stat().st_size if daemon.log.exists() else 0
    if daemon.pid_file.exists():
        # The number in it belongs to nobody, or to a process that is no daemon: dockerd would
        # refuse to start because of the latter.
        run_as_root(host.elevation, ["rm", "-f", str(daemon.pid_file)], step)
    run_as_root(host.elevation, ["sh", "-c", _MOUNT_CGROUPS], step)
    command = [program, "-H", f"unix://{daemon.socket}", "--pidfile", str(daemon.pid_file), *daemon.arguments]
    launch = ["sh", "-c", _LAUNCH, "sh", str(daemon.log), *command]
    environment = {"PATH": host.path}
    pid = int(run_as_root(host.elevation, launch, step, environment).split()[-1])
    if _wait(daemon, pid, step, timeout_s):
        return
    how = "did not answer in time" if _is_alive(pid) else "ended at once"
    raise EngineError(
        f"dockerd {how} (`{shlex.join(command)}`)",
        hint=_advice(_log_since(daemon.log, offset)) or f"its whole log is {daemon.log}",
        detail="\n".join(_log_since(daemon.log, offset).splitlines()[-_LINES_SHOWN:]),
    )


def _wait(daemon: Daemon, pid: int | None, step: Step, timeout_s: float) -> bool:
    """Wait until the daemon answers; False when it did not, or its process ended."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < timeout_s:
        if daemon.answers():
            return True
        if pid is not None and not _is_alive(pid):
            return False
        step.update("waiting for its socket", done=waited, total=timeout_s)
        time.sleep(_POLL_S)
    return False


def _log_since(log: Path, offset: int) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def _advice(log: str) -> str:
    """Return what to do about the failures of dockerd that are seen most."""
    if "iptables" in log:
        return (
            "its kernel has no nftables: `update-alternatives --set iptables /usr/sbin/iptables-legacy` "
            "(as root) and `emulab setup` again"
        )
    if "no space left" in log:
        return "free some space on the disk of /var/lib/docker"
    if "ermission denied" in log or "not permitted" in log:
        return "this machine may be a container without the rights to hold others: run it privileged"
    return ""


def _is_alive(pid: int) -> bool:
    """Tell whether a process of any user lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def _is_dockerd(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd" and _is_alive(pid)
    except OSError:
        return False
