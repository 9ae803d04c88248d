"""A small sample of the benchmark of streams; `./run bench streams` is the whole."""

from flowpilot.bench import streams

POOL = 16  # connections that requests share; the worker inside has some of its own


def test_open_streams_hold_no_connections():
    figures = streams.run(alone=2, held=6, idle=40, piece=0.01)

    assert figures["alone_added_ms_p50"] > 0
    assert figures["idle_connections"] < POOL + 8 < figures["idle"]
    assert figures["idle_waiting_in_a_transaction"] <= 2  # one that was just looking
