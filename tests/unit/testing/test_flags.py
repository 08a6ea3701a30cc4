"""Flags that name files of this host name places of the machine instead, and what lies there comes back."""

from __future__ import annotations

from pathlib import Path

from emulab.testing.flags import Errand, translate

_HERE = Path("/home/somebody/module/package")


def test_what_names_no_file_stays_as_it_is() -> None:
    words = ("-test.v", "-test.run=^TestA$", "-test.timeout=10m0s", "-own=/etc/hosts", "")
    translated = translate(words, _HERE)
    assert translated.arguments == words
    assert translated.errands == ()


def test_a_profile_with_an_absolute_path_is_written_on_the_machine_and_comes_back_to_that_path() -> None:
    translated = translate(["-test.coverprofile=/tmp/b001/_cover_.out", "-test.v"], _HERE)
    (errand,) = translated.errands
    assert translated.arguments == (f"-test.coverprofile={errand.guest}", "-test.v")
    assert errand.guest.startswith("/tmp/.emulab-output/")
    assert errand.host == Path("/tmp/b001/_cover_.out")


def test_a_relative_profile_belongs_to_the_output_directory() -> None:
    translated = translate(["-test.outputdir=/home/somebody/out", "-test.cpuprofile=cpu.out"], _HERE)
    (errand,) = translated.errands
    assert translated.arguments == (f"-test.outputdir={errand.guest}", "-test.cpuprofile=cpu.out")
    assert errand == Errand(errand.guest, Path("/home/somebody/out"), is_directory=True)


def test_a_relative_profile_without_an_output_directory_is_written_where_the_program_runs() -> None:
    translated = translate(["-test.cpuprofile=cpu.out"], _HERE)
    assert translated.errands == (Errand("cpu.out", _HERE / "cpu.out", is_directory=False),)


def test_the_corpus_of_fuzzing_goes_there_and_comes_back() -> None:
    (errand,) = translate(["-test.fuzzcachedir=/cache/fuzz/p"], _HERE).errands
    assert (errand.host, errand.is_directory, errand.is_input) == (Path("/cache/fuzz/p"), True, True)
