"""The one settings file. What differs between machines comes from the environment; `.env.example` lists it."""

from pathlib import Path

import environ
from django.utils.csp import CSP
from redis.backoff import NoBackoff
from redis.retry import Retry

from flowpilot.postgres import embedded
from flowpilot.postgres.pool import refuse_leftover

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DATA_DIR = Path(env("FLOWPILOT_DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()
DEBUG = env.bool("DEBUG", default=False)
IS_EMBEDDED = not env("DATABASE_URL", default="")
# Embedded means one machine, reached on loopback over plain HTTP. Elsewhere a real key, hosts and TLS are asked for.
SECRET_KEY = env("SECRET_KEY", default="only-for-this-machine-" + "0" * 40) if IS_EMBEDDED else env("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")  # where people reach FlowPilot: links in notes begin with it
SITE_ID = 1

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "django_htmx",
    "django_rls",
    "procrastinate.contrib.django",
    "flowpilot",
    "flowpilot.ui",
    "flowpilot.accounts",
    "flowpilot.providers",
    "flowpilot.flows",
    "flowpilot.scripts",
    "psa",
    "sessions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "flowpilot.middleware.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "flowpilot.middleware.ReplyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "flowpilot.accounts.middleware.AccountScopeMiddleware",
]

ROOT_URLCONF = "flowpilot.urls"
ASGI_APPLICATION = "flowpilot.asgi.application"
WSGI_APPLICATION = "flowpilot.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["flowpilot.ui.templatetags.ui", "flowpilot.accounts.templatetags.permissions"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sessions.context_processors.shell",
            ],
        },
    },
]

# --- Database: the web and the workers are `app`; only migrations are `owner` (docs/dev-env.md). ---------------------------------
DATABASE_ROLE = env("DATABASE_ROLE", default="app")
_POSTGRES = "django.db.backends.postgresql"
if IS_EMBEDDED:
    POSTGRES_ROOT = DATA_DIR / "postgres"
    _database = {
        "ENGINE": _POSTGRES,
        "NAME": embedded.DATABASE,
        "HOST": str(embedded.socket_dir(POSTGRES_ROOT)),
        "USER": embedded.OWNER if DATABASE_ROLE == "owner" else embedded.APP,
    }
    DATABASE_APP_ROLE = embedded.APP
else:
    _app = env.db("DATABASE_URL")
    DATABASE_APP_ROLE = _app["USER"]
    _database = env.db("DATABASE_OWNER_URL") if DATABASE_ROLE == "owner" else _app
    _database["ENGINE"] = _POSTGRES
DATABASE_SEARCH_ROLE = env(
    "DATABASE_SEARCH_ROLE", default=embedded.SEARCH
)  # owns the search views; nobody signs in as it
_POOL = {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 5}
_database["OPTIONS"] = {**_database.get("OPTIONS", {}), "pool": {**_POOL, "reset": refuse_leftover}}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# django-rls declares and audits the policies; our own migration operation makes them (docs/adr/0003).
DJANGO_RLS = {"AUTO_ENABLE_RLS": False, "RESET_CONTEXT_ON_CONNECT": False}

REDIS_URL = env("REDIS_URL", default="")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}}
if REDIS_URL:
    _quick = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 1)}  # pages do without it
    _steady = "flowpilot.accounts.caching.SteadyRedisCache"
    CACHES = {"default": {"BACKEND": _steady, "LOCATION": REDIS_URL, "OPTIONS": _quick}}

# --- Signing in --------------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "flowpilot.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "5/15m/key"}  # for codes; passwords are counted by the adapter
# Microsoft Entra, where it is registered; an account lists the tenants it trusts in its settings.
SOCIALACCOUNT_ADAPTER = "flowpilot.accounts.provider.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {}
if MICROSOFT_CLIENT_ID := env("MICROSOFT_CLIENT_ID", default=""):
    _microsoft = {"provider_id": "microsoft", "name": "Microsoft", "client_id": MICROSOFT_CLIENT_ID}
    _microsoft |= {"secret": env("MICROSOFT_CLIENT_SECRET")}
    _issuer = env("MICROSOFT_ISSUER", default="https://login.microsoftonline.com/organizations/v2.0")
    _microsoft |= {"settings": {"server_url": _issuer, "fetch_userinfo": False, "oauth_pkce_enabled": True}}
    SOCIALACCOUNT_PROVIDERS = {"microsoft": {"APPS": [_microsoft]}}
MFA_ADAPTER = "flowpilot.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an invitation has proven the address
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_EMBEDDED  # http://localhost
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)  # how many proxies in front add X-Forwarded-For
DEMO_SIGN_IN: dict[str, str] | None = None  # set by the demo, whose sign-in page fills it in
SESSION_ENGINE = "flowpilot.accounts.login_sessions"  # ends them after 12 idle hours, and after 14 days in all
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # pages carry the token in themselves
SESSION_COOKIE_SAMESITE = "Lax"
STREAM_SIGN_IN_SECONDS = (
    8.0  # how often an open stream looks whether its reader is still signed in; it outlives that by five more at most
)

# --- What browsers are told --------------------------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # asked behind the proxy, in plain HTTP
IS_HTTPS = env.bool("HTTPS", default=not IS_EMBEDDED)
if IS_HTTPS:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"

# --- Files, language, mail -----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = False
# Without a mail server, mail is printed where the server runs.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
if SMTP_HOST := env("SMTP_HOST", default=""):
    _smtp = {"host": SMTP_HOST, "port": env.int("SMTP_PORT", default=587), "timeout": 10}
    _smtp |= {"username": env("SMTP_USER", default=""), "password": env("SMTP_PASSWORD", default="")}
    _smtp |= {
        "use_tls": env("SMTP_TLS", default="starttls") == "starttls",
        "use_ssl": env("SMTP_TLS", default="") == "ssl",
    }
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _smtp}}
DEFAULT_FROM_EMAIL = env("MAIL_FROM", default="FlowPilot <no-reply@localhost>")

# --- AI (docs/dev-env.md). Without a key the guided engine answers. An account's own keys and choices go before these. -------------
ANTHROPIC_API_KEY = env("ANTHROPIC_API_KEY", default="")
ANTHROPIC_BASE_URL = env("ANTHROPIC_BASE_URL", default="")
GEMINI_API_KEY = env("GEMINI_API_KEY", default="")
GEMINI_BASE_URL = env("GEMINI_BASE_URL", default="")
AI_PROVIDER = env("AI_PROVIDER", default="")  # anthropic, gemini or guided; empty: the first of these with a key
AI_MODELS = {
    "anthropic": {
        "fast": env("AI_MODEL_FAST", default="claude-haiku-5-5"),
        "standard": env("AI_MODEL_STANDARD", default="claude-sonnet-5-5"),
        "deep": env("AI_MODEL_DEEP", default="claude-opus-5-5"),
    },
    "gemini": {
        "fast": env("GEMINI_MODEL_FAST", default="gemini-3.5-flash-lite"),
        "standard": env("GEMINI_MODEL_STANDARD", default="gemini-3.8-flash"),
        "deep": env("GEMINI_MODEL_DEEP", default="gemini-3.1-pro-preview"),
    },
}
AI_TIERS = env.dict("AI_TIERS", default={})  # chat=deep,fact_synthesis=standard
AI_MAX_TOKENS = env.int("AI_MAX_TOKENS", default=16_000)
AI_BUDGET_MONTHLY_USD = env.float("AI_BUDGET_MONTHLY_USD", default=0.0)  # of each account; 0 sets no limit
ENABLE_MCP_MICROSOFT_LEARN = env.bool("ENABLE_MCP_MICROSOFT_LEARN", default=False)
AI_MCP_SERVICES = env.list("AI_MCP_SERVICES", default=["chat"])
MCP_MICROSOFT_LEARN_URL = env("MCP_MICROSOFT_LEARN_URL", default="https://learn.microsoft.com/api/mcp")
# US dollars for a million tokens; cache reads and writes as multiples of the input's. From a prompt of `long_from` tokens on all cost more.
AI_PRICES_AS_OF = "2026-11-25"
AI_PRICES = {
    "claude-haiku-5-5": {"input": 0.10, "output": 0.50, "long_from": 100_000, "long_factor": 5},
    "claude-sonnet-5-5": {"input": 2.0, "output": 10.0, "read": 0.05},
    "claude-opus-5-5": {"input": 4.0, "output": 20.0, "read": 0.05},
    **env.json("AI_PRICES", default={}),  # other models', and the day's
}

# --- ConnectWise ---------------------------------------------------------------------------------------------------------------------
# Credentials are sealed with the first key; the others still open what was sealed with them (docs/dev-env.md).
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[])
PSA_HOSTS = env.list(
    "PSA_HOSTS", default=[]
)  # on-premises ConnectWise hosts that may be called, beside the cloud's regions
PSA_LOOPBACK = env.bool("PSA_LOOPBACK", default=False)  # a ConnectWise on this machine: the sandbox of the demo
PSA_READ_TIMEOUT = env.float("PSA_READ_TIMEOUT", default=10.0)  # seconds that a worker waits for an answer
PSA_SETTLE_SECONDS = env.int("PSA_SETTLE_SECONDS", default=600)

# --- Jobs: a worker that is gone for WORKER_GONE_SECONDS loses its jobs to the others. All times follow the beat of a turn. -----------
TURN_BEAT_SECONDS = env.float("TURN_BEAT_SECONDS", default=2.0)  # between two saves of a partial answer
TURN_LOST_SECONDS = 5 * TURN_BEAT_SECONDS  # without a beat the claim is lost; below the queue's own limit
WORKER_GONE_SECONDS = 6 * TURN_BEAT_SECONDS
RESCUE_EVERY_SECONDS = max(1, round(2.5 * TURN_BEAT_SECONDS))
PROCRASTINATE_IMPORT_PATHS = ["psa.delivery"]  # jobs beside those in each app's tasks.py
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": env.int("WORKER_CONCURRENCY", default=50),
    "update_heartbeat_interval": 1.5 * TURN_BEAT_SECONDS,
    "stalled_worker_timeout": WORKER_GONE_SECONDS,
    "shutdown_graceful_timeout": env.float("WORKER_GRACE_SECONDS", default=10.0),
    "delete_jobs": "successful",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "flowpilot": {"level": env("LOG_LEVEL", default="INFO")},
        # Below WARNING these write down what they send: prompts, ticket texts, addresses with what was searched for.
        **{
            name: {"level": "WARNING"}
            for name in ("anthropic", "google_genai", "httpx", "httpx2", "httpcore", "httpcore2")
        },
    },
}
