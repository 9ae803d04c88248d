import pytest

from flowpilot.scripts.matching import MATCHES_FROM, rank
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.starter import load_starter

LIBRARY = [ScriptTemplate(starter_key=key, **fields) for key, fields in load_starter().items()]


def _best(title, **more):
    return rank(LIBRARY, title=title, **more)[0]


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Clear the Teams cache", "reset-teams-cache"),
        ("Restart the print spooler and clear its queue", "clear-print-queue"),
        ("Remove the registry values that block modern sign-in in Office", "reset-office-modern-sign-in"),
        ("Point the queue at the printer’s new address", "move-printer-to-new-address"),
        ("Reset OneDrive sync", "reset-onedrive-sync"),
        ("Rebuild the search index", "rebuild-search-index"),
        ("Flush the DNS cache", "flush-dns-and-test"),
        ("Free disk space on the system drive", "free-system-drive"),
        ("Renew the DHCP lease", "renew-dhcp-lease"),
        ("Give her access to the shared mailbox", "add-shared-mailbox"),
    ],
)
def test_a_fix_finds_its_script(title, key):
    best = _best(title)

    assert (best.template.starter_key, best.is_good) == (key, True), best


@pytest.mark.parametrize(
    "title", ["Replace the toner", "Call the customer back", "Update the BIOS of the laptop", "Order a new keyboard"]
)
def test_a_fix_without_a_script_matches_none(title):
    assert [match for match in rank(LIBRARY, title=title) if match.percent >= MATCHES_FROM] == []


def test_nothing_is_found_without_words():
    assert rank(LIBRARY, title="  ") == []


def test_another_language_counts_less():
    assert _best("Restart the service", language="bash").template.language == "bash"


def test_among_equals_what_worked_comes_first():
    twins = [
        ScriptTemplate(name="Clear cache", language="bash", usage_count=10, worked_count=each, failed_count=5)
        for each in (1, 9)
    ]

    assert rank(twins, title="Clear cache")[0].template.worked_count == 9


def test_one_lucky_run_is_not_better_than_nine_of_ten():
    lucky = ScriptTemplate(name="Clear cache", language="bash", worked_count=1)
    proven = ScriptTemplate(name="Clear cache", language="bash", worked_count=19, failed_count=1)

    assert rank([lucky, proven], title="Clear cache")[0].template is proven
