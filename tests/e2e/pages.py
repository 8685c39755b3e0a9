"""What holds of every page of the site in a browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LOOKS = (("light", 1280), ("dark", 360))
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


def assert_readable(page: Page) -> None:
    """For screen readers, in both themes, at a desk and on a phone."""
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(OVERFLOW) <= 0, f"{page.url} scrolls sideways at {width} px"
