import pytest

from flowpilot.accounts.permissions import NotYourRole
from flowpilot.errors import Invalid, Refused, StaleState
from flowpilot.scripts import queries
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.services import templates as services
from flowpilot.scripts.services import use
from flowpilot.scripts.tests.factories import BODY, make_content, make_template

pytestmark = pytest.mark.usefixtures("scope")


def test_a_new_script_is_a_draft_of_its_author(technician):
    template = services.create_template(content=make_content(), by=technician)

    assert (template.status, template.author, template.version) == ("draft", technician, 1)


def test_an_edit_keeps_what_was_as_a_version(own_draft, technician):
    services.edit_template(
        template_id=own_draft.id, content=make_content(body="Get-Date\n"), seen_version=1, by=technician, note="Shorter"
    )

    newest, first = queries.versions(queries.get_template(own_draft.id))
    assert (newest.version.note, newest.difference.added, newest.difference.removed) == ("Shorter", 1, 1)
    assert first.version.body == BODY


def test_an_edit_of_an_older_version_is_refused(own_draft, technician):
    services.edit_template(template_id=own_draft.id, content=make_content(), seen_version=1, by=technician)

    with pytest.raises(StaleState):
        services.edit_template(template_id=own_draft.id, content=make_content(), seen_version=1, by=technician)


def test_an_engineer_does_not_change_a_published_script(template, technician):
    with pytest.raises(Refused, match="Copy it as a draft"):
        services.edit_template(template_id=template.id, content=make_content(), seen_version=1, by=technician)


def test_an_engineer_does_not_publish(own_draft, technician):
    with pytest.raises(NotYourRole):
        services.publish_template(template_id=own_draft.id, by=technician)


def test_an_engineer_does_not_change_the_draft_of_another(technician, admin):
    theirs = make_template(status="draft", author=admin)

    with pytest.raises(Refused):
        services.archive_template(template_id=theirs.id, by=technician)


def test_an_admin_publishes_and_it_is_offered(own_draft, admin):
    services.publish_template(template_id=own_draft.id, by=admin)

    assert own_draft in queries.published_templates()


def test_an_archived_script_is_offered_no_more_and_can_come_back(template, admin):
    services.archive_template(template_id=template.id, by=admin)
    assert template not in queries.published_templates()
    assert queries.library(archived=True).templates == [template]

    services.publish_template(template_id=template.id, by=admin)
    assert template in queries.published_templates()


def test_restoring_makes_an_earlier_version_the_newest(own_draft, technician):
    services.edit_template(
        template_id=own_draft.id, content=make_content(body="Get-Date\n"), seen_version=1, by=technician
    )

    restored = services.restore_version(template_id=own_draft.id, number=1, by=technician)

    assert (restored.version, restored.body) == (3, BODY)


def test_an_archived_starter_stays_away(admin):
    starter = queries.library().templates[0]

    services.archive_template(template_id=starter.id, by=admin)

    assert queries.library().published == 19


def test_a_changed_starter_is_changed_for_its_account_alone(admin):
    starter = queries.library().templates[0]

    services.edit_template(template_id=starter.id, content=make_content(), seen_version=1, by=admin)

    row = ScriptTemplate.objects.get()
    assert (row.id, row.version, row.body) == (starter.id, 2, BODY)
    assert [each.version.number for each in queries.versions(row)] == [2, 1]


@pytest.mark.parametrize(
    "changes", [{"name": " "}, {"language": "cobol"}, {"body": ""}, {"parameters": [{"name": "1"}]}]
)
def test_content_that_does_not_hold_is_refused(changes):
    with pytest.raises(Invalid):
        services.read_content({"name": "A", "language": "bash", "body": "ls", "parameters": [], "tags": [], **changes})


def test_a_use_and_its_outcome_are_counted_once_each(template):
    use.count_use(template.id)
    use.count_outcome(template.id, "success")

    found = queries.get_template(template.id)
    assert (found.usage_count, found.worked_count, found.last_outcome) == (1, 1, "success")
    assert found.percent_worked == 100


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"text": "test page"}, ["Print a test page"]),
        ({"tag": "printing", "text": "prints one"}, ["Print a test page"]),
        ({"language": "cmd"}, ["Renew the DHCP lease"]),
    ],
)
def test_the_library_finds_by_words_tag_and_language(template, asked, names):
    assert [each.name for each in queries.library(**asked).templates] == names


def test_the_library_sorts_by_use_and_by_last_success(template):
    use.count_use(template.id)
    use.count_outcome(template.id, "success")

    assert queries.library(sort="used").templates[0] == template
    assert queries.library(sort="worked").templates[0] == template
    assert queries.library().templates[0] != template


def test_twenty_more_templates_cost_no_more_queries(template, django_assert_num_queries):
    with django_assert_num_queries(1):
        queries.library()
    for at in range(20):
        make_template(name=f"Script {at}")

    with django_assert_num_queries(1):
        queries.library()
