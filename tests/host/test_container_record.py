"""What is known of a container, over every way in which who writes it down can end."""

from pathlib import Path

from seawall.host.container_record import MOST_BYTES, Record, read_record
from seawall.program.report import ContainerReport


def record(began: float) -> Record:
    return Record(report=ContainerReport(name="web", runtime_id="t-web"), began=began)


def test_the_newest_is_read(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    for began in (1.0, 2.0, 3.0):
        record(began).save(tmp_path)
        assert read_record(tmp_path) == record(began)


def test_one_that_was_cut_off_anywhere_counts_as_not_written(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    record(1.0).save(tmp_path)
    before = file.read_bytes()
    record(2.0).save(tmp_path)
    after = file.read_bytes()
    for length in range(len(before), len(after)):
        file.write_bytes(after[:length])
        assert read_record(tmp_path) == record(1.0)
        record(3.0).save(tmp_path)
        assert read_record(tmp_path) == record(3.0)


def test_of_a_first_one_that_was_cut_off_nothing_is_known(tmp_path: Path) -> None:
    record(1.0).save(tmp_path)
    file = tmp_path / "state.json"
    file.write_bytes(file.read_bytes()[:-1])
    assert read_record(tmp_path) is None


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(1000):
        record(float(number)).save(tmp_path)
        assert (tmp_path / "state.json").stat().st_size <= MOST_BYTES
    assert read_record(tmp_path) == record(999.0)
