"""compose.yaml is not run here, so it is read: what it names exists, and it keeps what an installation of several processes needs."""

import configparser
import re

import pytest
import yaml
from django.conf import settings

from flowpilot.accounts.sealing import new_key
from flowpilot.tests.processes import run_python

ROOT = settings.BASE_DIR
OURS = ["web-1", "web-2", "worker-1", "worker-2", "migrate"]
_FILLED = {"SITE_HOST": "flowpilot.example", "SMTP_HOST": "smtp.example", "MAIL_FROM": "fp@flowpilot.example"}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def known_names():
    """Every name that the settings read from the environment."""
    return set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', (ROOT / "flowpilot" / "settings.py").read_text()))


def _fill(text: str) -> str:
    """Fill in `${NAME:?}` and `${NAME:-default}` as compose does."""
    filled = _FILLED | {"SECRET_KEY": "s3cret" * 12 + "abcdefghij", "CREDENTIAL_KEYS": new_key()}

    def value(match):
        name, mark, default = match.groups()
        return filled.get(name, default if mark == ":-" else "letters1")

    return re.sub(r"\$\{([A-Z_]+)(:[-?])?([^}]*)\}", value, text)


def _mounts(service):
    return [mount.split(":")[0] for mount in service.get("volumes", [])]


@pytest.mark.parametrize("name", OURS)
def test_every_environment_name_is_one_of_the_settings(services, known_names, name):
    assert set(services[name]["environment"]) <= known_names


def test_there_are_two_webs_and_two_workers_of_the_same_image(services):
    kinds = [services[name].get("command", ["migrate"])[0] for name in OURS]

    assert kinds == ["web", "web", "worker", "worker", "migrate"]
    assert {services[name]["image"] for name in OURS} == {"flowpilot:latest"}


def test_all_see_the_same_files_keys_and_relay(services):
    shared = ("REDIS_URL", "SECRET_KEY", "CREDENTIAL_KEYS", "FLOWPILOT_DATA_DIR")

    assert len({tuple(services[name]["environment"][each] for each in shared) for name in OURS}) == 1
    assert {tuple(services[name]["volumes"]) for name in OURS} == {("files:/data",)}


def test_webs_go_through_the_pooler_and_workers_past_it(services):
    hosts = {name: re.search(r"@([a-z]+):", services[name]["environment"]["DATABASE_URL"])[1] for name in OURS}

    assert hosts == {
        "web-1": "pgbouncer",
        "web-2": "pgbouncer",
        "worker-1": "postgres",
        "worker-2": "postgres",
        "migrate": "postgres",
    }


def test_only_migrations_know_the_owner(services):
    knowing = {name for name, service in services.items() if "OWNER_PASSWORD" in str(service.get("environment"))}

    assert knowing == {"migrate", "postgres"}


def test_the_web_passes_the_check_for_deployment(services):
    environment = {name: _fill(value) for name, value in services["web-1"]["environment"].items()}

    done = run_python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.stderr == ""


def test_what_is_waited_for_is_a_service(services):
    waited = {name for service in services.values() for name in service.get("depends_on", {})}

    assert waited <= set(services)


def test_what_is_mounted_from_here_exists(services):
    files = [ROOT / mount for service in services.values() for mount in _mounts(service) if mount.startswith("./")]

    assert len(files) == 3
    assert [file for file in files if not file.is_file()] == []


def test_volumes_are_declared(services):
    named = {mount for service in services.values() for mount in _mounts(service) if not mount.startswith("./")}

    assert named == set(yaml.safe_load((ROOT / "compose.yaml").read_text())["volumes"])


def test_images_of_others_name_their_version_and_no_host(services):
    images = {service["image"] for service in services.values() if "build" not in service}

    assert all(re.fullmatch(r"[a-z]+(/[a-z]+)?:\d+", image) for image in images)


def test_what_is_built_is_a_target_of_the_dockerfile(services):
    targets = {service["build"]["target"] for service in services.values() if "build" in service}

    assert targets == set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))


def test_only_the_proxy_is_reached_from_outside(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_the_proxy_knows_both_webs_and_holds_nothing_back():
    said = (ROOT / "deploy" / "Caddyfile").read_text()

    assert "reverse_proxy web-1:8000 web-2:8000 {" in said
    assert "flush_interval -1" in said


def test_the_pooler_gives_a_connection_for_a_transaction():
    pooler = configparser.ConfigParser()
    pooler.read(ROOT / "deploy" / "pgbouncer.ini")

    assert pooler["pgbouncer"]["pool_mode"] == "transaction"
    assert pooler["databases"]["flowpilot"].startswith("host=postgres ")


def test_the_roles_are_those_that_are_documented():
    made = re.findall(r"CREATE ROLE (\w+) ((?:NO)?LOGIN (?:NO)?BYPASSRLS)", (ROOT / "deploy" / "roles.sh").read_text())

    assert made == re.findall(
        r"CREATE ROLE (\w+) ((?:NO)?LOGIN (?:NO)?BYPASSRLS)", (ROOT / "docs" / "dev-env.md").read_text()
    )
