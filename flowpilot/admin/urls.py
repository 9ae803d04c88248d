"""The addresses of the admin. Whoever adds a table registers it in the module of its app, named here."""

from flowpilot.admin import accounts, providers, psa, scripts, sessions
from flowpilot.admin.site import site

TABLES = (accounts, sessions, psa, providers, scripts)
NOT_IN_THE_ADMIN = {
    "AccountExport": "its owner alone takes it, after a fresh proof",
    "ChatDocument": "the words of a session once more, weighed for the search",
}
urls = site.urls
