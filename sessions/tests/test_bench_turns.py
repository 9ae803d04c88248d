"""A small sample of the benchmark of turns; `./run bench turns` is the whole."""

from flowpilot.bench import turns


def test_killed_paused_and_replaced_workers_lose_and_double_nothing():
    figures = turns.run(turns=2, kills=2, pauses=1, disconnects=4, live_at_restart=2, answer_seconds=2.0, beat=0.3)

    assert {name: figures[name] for name in ("lost", "doubled", "stuck", "differing", "failed")} == dict.fromkeys(
        ("lost", "doubled", "stuck", "differing", "failed"), 0
    )
    assert (figures["kills"], figures["pauses"] >= 1, figures["restarts"]) == (2, True, 1)
