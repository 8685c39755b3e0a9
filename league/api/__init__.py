"""The HTTP API under /api/v1. Each noun has its routes and schemas in a module of its own."""

from league.api.site import api

__all__ = ["api"]
