"""How a request is handled under ASGI: the whole chain in one thread, and the stream on the loop."""

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    """Django's own, but with the middleware in its synchronous form.

    In its asynchronous form each middleware goes to the request's thread and back by itself, some twenty times a request, and each way waits
    for the interpreter's lock: a third of what a constant page costs. A view that streams is a coroutine all the same, and runs on the loop.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the chain for threads, whatever was asked."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response of the chain, which runs in the request's thread."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def get_application() -> OneThreadHandler:
    """Set Django up, and return what a server of ASGI calls."""
    django.setup(set_prefix=False)
    return OneThreadHandler()
