"""Pages: a view reads the request, calls one verb or one read, and chooses a template."""
