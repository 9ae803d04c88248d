"""Ask this container's web whether it is ready, by the name that it answers to."""

import os
import urllib.request

host = os.environ["ALLOWED_HOSTS"].split(",")[0]
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000/readyz", headers={"Host": host}), timeout=7)
