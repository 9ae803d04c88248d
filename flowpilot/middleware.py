"""Middleware of the whole project."""

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.shortcuts import resolve_url
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware

from flowpilot.replies import bad_request, forbidden

_SAFE = {"GET", "HEAD", "OPTIONS"}


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, whose files are read in threads where the server is asynchronous."""

    def __call__(self, request):
        response = super().__call__(request)
        if isinstance(request, ASGIRequest) and isinstance(response, WhiteNoiseFileResponse):
            response.streaming_content = _in_threads(response.streaming_content)
        return response


async def _in_threads(chunks):
    read = iter(chunks)
    while (chunk := await sync_to_async(next, thread_sensitive=False)(read, None)) is not None:
        yield chunk


class ReplyMiddleware(MiddlewareMixin):
    """Keeps pages out of shared caches, and sends an expired sign-in to its own page, not into a panel."""

    def process_request(self, request):
        """Refuse what another site's page sends, token or not; browsers say where a request comes from. And a NUL, which nobody types."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)
        is_foreign = request.headers.get("Sec-Fetch-Site") == "cross-site"
        return forbidden(request) if is_foreign and request.method not in _SAFE else None

    def process_response(self, request, response):
        response.setdefault("Cache-Control", "no-store")
        is_redirect = response.status_code == 302
        if (
            is_redirect
            and getattr(request, "htmx", False)
            and response["Location"].startswith(resolve_url(settings.LOGIN_URL))
        ):
            response.status_code = 200
            response["HX-Redirect"] = resolve_url(settings.LOGIN_URL)
            del response["Location"]
        return response
