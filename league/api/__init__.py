"""The HTTP API under /api/v1. Each noun has its routes and schemas in a module of its own.

`site` mounts them, those of other apps by name: whoever has routes may import the rest of it.
"""
