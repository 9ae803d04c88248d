import os

from flowpilot.handler import get_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowpilot.settings")
application = get_application()
