"""Settings of the test run: a throwaway server, cheap passwords, static files as they lie, nothing of the machine's environment."""

import os

for name in (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "GEMINI_API_KEY",
    "GEMINI_BASE_URL",
    "REDIS_URL",
):
    os.environ.pop(name, None)
os.environ["DATABASE_ROLE"] = "owner"  # creates and migrates; then the connection assumes the app role (plugin.py)

from flowpilot.settings import *  # noqa: E402, F403
from flowpilot.settings import BASE_DIR, DATABASES, IS_EMBEDDED  # noqa: E402

IS_TEST = True
PSA_LOOPBACK = True  # the sandbox listens there
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES["default"]["OPTIONS"].pop("pool")
DATABASES["default"]["TEST"] = {"NAME": f"test_flowpilot_{os.getpid()}"}  # two test runs beside each other
if IS_EMBEDDED:
    from flowpilot.postgres import embedded

    POSTGRES_ROOT = BASE_DIR / ".data" / "test-postgres"
    DATABASES["default"]["HOST"] = str(embedded.socket_dir(POSTGRES_ROOT))

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
SECRET_KEY = "tests-only-" + "0" * 50
CREDENTIAL_KEYS = ["dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="]
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": 10, "delete_jobs": "never"}
