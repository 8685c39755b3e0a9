"""What a replay's section tells the player of the drawing."""

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from league import drawings

register = template.Library()


@register.simple_tag
def drawing(environment: str) -> SafeString:
    """Where the drawing stands; nothing for a game without one: its positions are shown as text."""
    module = drawings.own_module(environment)
    if module:
        return format_html('data-renderer="{}"', static(module))
    if drawings.framed(environment) is None:
        return SafeString()
    return format_html('data-frame="{}"', reverse("environment-drawing", args=[environment]))
