"""A program gets this host's environment but for what means this host."""

from __future__ import annotations

from emulab.testing.environment import guest_environment


def test_the_user_s_own_variables_are_passed_on_and_this_host_s_are_not() -> None:
    own = {"DATABASE": "x", "CI": "true", "PATH": "/opt/bin", "HOME": "/root", "LD_PRELOAD": "/x.so"}
    own["TMPDIR"] = "/t"
    seen = guest_environment(own, {}, "/m/a")
    assert (seen["DATABASE"], seen["CI"], seen["PWD"]) == ("x", "true", "/m/a")
    assert not {"LD_PRELOAD", "TMPDIR"} & seen.keys()
    assert "/opt/bin" not in seen["PATH"]
    assert seen["HOME"] != "/root"


def test_of_go_s_switches_those_of_the_machine_and_of_the_user_both_count_the_user_s_last() -> None:
    seen = guest_environment({"GODEBUG": "a=1"}, {"GODEBUG": "a=0,b=1", "GOMAXPROCS": "4"}, "/m")
    assert (seen["GODEBUG"], seen["GOMAXPROCS"]) == ("a=0,b=1,a=1", "4")
