import pytest

from flowpilot.testing.messages_cache import PrefixCache

PLAIN = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "microsoft-learn"}


def text(**fields):
    return {"type": "text", "text": "a", **fields}


def user(*content):
    return {"messages": [{"role": "user", "content": list(content)}]}


def prompt(*texts, mark=(), system=None):
    content = [text(text=each, **({"cache_control": MARK} if at in mark else {})) for at, each in enumerate(texts)]
    return {**PLAIN, **user(*content), **({"system": system} if system else {})}


def counts(usage):
    return tuple(usage[f"{name}input_tokens"] for name in ("", "cache_read_", "cache_creation_"))


def test_a_prefix_is_written_once_and_read_again():
    cache = PrefixCache(cacheable_from=10)

    first = cache.use(prompt("a" * 95, "b" * 35, mark=[0]))
    second = cache.use(prompt("a" * 95, "c" * 35, mark=[0, 1]))

    assert counts(first) == (10, 0, 25)
    assert counts(second) == (0, 25, 10)


def test_a_changed_byte_before_the_breakpoint_is_a_miss():
    cache = PrefixCache(cacheable_from=10)
    cache.use(prompt("a" * 95, mark=[0]))

    assert cache.use(prompt("a" * 94 + "b", mark=[0]))["cache_read_input_tokens"] == 0


def test_a_short_prefix_is_not_cached():
    cache = PrefixCache(cacheable_from=512)
    cache.use(prompt("a" * 95, mark=[0]))

    assert cache.use(prompt("a" * 95, mark=[0]))["input_tokens"] == 25


def test_a_breakpoint_looks_back_over_twenty_blocks():
    cache = PrefixCache(cacheable_from=10)
    cache.use(prompt("a" * 95, mark=[0]))

    reads = [cache.use(prompt("a" * 95, *["x"] * more, mark=[more]))["cache_read_input_tokens"] for more in (20, 19)]

    assert reads == [0, 25]


def test_what_is_written_is_counted_by_how_long_it_lives():
    content = [text(text="a" * 40, cache_control=HOUR), text(text="b" * 75, cache_control=MARK)]

    usage = PrefixCache(cacheable_from=5).use({**PLAIN, **user(*content)})

    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 12}


@pytest.mark.parametrize(
    ("control", "away", "read"), [(MARK, 299, 25), (MARK, 301, 0), (HOUR, 3599, 25), (HOUR, 3601, 0)]
)
def test_a_prefix_lives_as_long_as_its_ttl(control, away, read):
    cache = PrefixCache(cacheable_from=10, clock=lambda: 0.0)
    asked = {**PLAIN, **user(text(text="a" * 95, cache_control=control))}
    cache.use(asked)

    cache.pass_time(away)

    assert cache.use(asked)["cache_read_input_tokens"] == read


def test_a_read_renews_what_it_found():
    cache = PrefixCache(cacheable_from=10, clock=lambda: 0.0)
    cache.use(prompt("a" * 95, mark=[0]))

    reads = []
    for _ in range(3):
        cache.pass_time(200)
        reads.append(cache.use(prompt("a" * 95, mark=[0]))["cache_read_input_tokens"])

    assert reads == [25, 25, 25]


@pytest.mark.parametrize(
    ("model", "written"), [("claude-sonnet-5-5", 600), ("claude-sonnet-5", 0), ("claude-haiku-4-5", 0)]
)
def test_a_model_has_its_minimum(model, written):
    asked = {**prompt("a" * 2395, mark=[0]), "model": model}

    assert PrefixCache().use(asked)["cache_creation_input_tokens"] == written


def changed(**options):
    """The tokens that a changed option leaves to be read, of 25 of the tools' prompt, 12 of the system's and 12 of the message's."""
    cache = PrefixCache(cacheable_from=10)
    tools = [{"name": "x" * 40, "input_schema": {}, "cache_control": MARK}]
    base = {**prompt("m" * 43, mark=[0], system=[text(text="s" * 48, cache_control=MARK)]), "tools": tools}
    whole = cache.use(base)["cache_creation_input_tokens"]
    return whole, cache.use({**base, **options})["cache_read_input_tokens"]


def test_an_unchanged_prompt_is_read_whole():
    whole, read = changed()

    assert read == whole


def test_a_dropped_toolset_empties_everything():
    assert changed(tools=[TOOLSET])[1] == 0


def test_another_schema_leaves_the_tools():
    whole, read = changed(output_config={"format": {"type": "json_schema", "schema": {"type": "string"}}})

    assert read == whole - 24


@pytest.mark.parametrize(
    "options",
    [{"output_config": {"effort": "low"}}, {"thinking": {"type": "adaptive"}}, {"tool_choice": {"type": "none"}}],
)
def test_another_way_to_answer_leaves_tools_and_system(options):
    whole, read = changed(**options)

    assert read == whole - 12


def test_the_tools_of_a_server_are_counted():
    asked = {**PLAIN, "tools": [TOOLSET]}

    assert PrefixCache().use(asked)["input_tokens"] > 972
