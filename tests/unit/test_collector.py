import gzip

import pytest
import zstandard

from strategy.venues.collector import CollectorFile, first_stamp, stream_name

LINES = b'1 {"a":1}\n2 {"b":2}\n3 {"c":3}\n'
ENCODERS = {
    ".log": lambda data: data,
    ".gz": gzip.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.mark.parametrize("suffix", ENCODERS)
def test_every_whole_line_comes_with_number_end_and_stamp(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(ENCODERS[suffix](LINES))
    file = CollectorFile(path)
    assert [tuple(line) for line in file] == [(1, 10, 1, b'{"a":1}'), (2, 20, 2, b'{"b":2}'), (3, 30, 3, b'{"c":3}')]
    assert (file.torn_bytes, file.truncated, file.lines) == (0, None, 3)


@pytest.mark.parametrize("suffix", ENCODERS)
def test_reading_continues_at_the_uncompressed_offset(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(ENCODERS[suffix](LINES))
    assert [line.number for line in CollectorFile(path, 10, 1)] == [2, 3]
    assert list(CollectorFile(path, len(LINES), 3)) == []


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_several_frames_in_one_file_are_one_stream(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(ENCODERS[suffix](LINES[:15]) + ENCODERS[suffix](LINES[15:]))
    file = CollectorFile(path)
    assert len(list(file)) == 3
    assert file.truncated is None


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_compression_is_recognised_and_its_whole_lines_kept(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    data = b"".join(b'%d {"n":%d}\n' % (i, i * i) for i in range(200_000))
    path.write_bytes(ENCODERS[suffix](data)[:-5000])
    file = CollectorFile(path, whole=True)
    lines = list(file)
    assert 0 < len(lines) < 200_000
    assert all(line.payload == b'{"n":%d}' % (line.local_ns**2) for line in lines)
    assert "truncated" in str(file.truncated)


def test_damaged_compression_is_recognised(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(LINES) + b"rubbish")
    file = CollectorFile(path)
    assert len(list(file)) == 3
    assert "damaged" in str(file.truncated)


def test_a_torn_tail_is_left_while_the_file_grows_and_read_when_it_is_whole(tmp_path):
    path = tmp_path / "file.log"
    path.write_bytes(LINES[:-1])
    growing = CollectorFile(path)
    assert len(list(growing)) == 2
    assert growing.torn_bytes == 9
    assert len(list(CollectorFile(path, whole=True))) == 3


def test_a_line_without_a_stamp_is_handed_on_whole(tmp_path):
    path = tmp_path / "file.log"
    path.write_bytes(b"hello world\n5 {}\n")
    assert [(line.local_ns, line.payload) for line in CollectorFile(path)] == [(-1, b"hello world"), (5, b"{}")]
    assert first_stamp(path) == 5


def test_a_segment_keeps_its_name_when_it_is_compressed(tmp_path):
    assert stream_name(tmp_path / "a.log.zst") == stream_name(tmp_path / "a.log") == "a.log"
