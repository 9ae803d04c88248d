"""The sandbox's endpoints: which paths there are, what they need, what they do."""

from flowpilot.providers.connectwise.sandbox.endpoints import clients, setup, tickets, work
from flowpilot.providers.connectwise.sandbox.endpoints.routing import ALL_PERMISSIONS, Endpoints, Request

__all__ = ["ALL_PERMISSIONS", "ROUTES", "Endpoints", "Request"]

ROUTES = [*tickets.ROUTES, *setup.ROUTES, *clients.ROUTES, *work.ROUTES]
