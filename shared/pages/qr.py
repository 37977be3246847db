"""Links as QR codes."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_code(link: str) -> Markup:
    """A link as a QR code, in SVG: it has a class and no size, which is the stylesheet's."""
    return Markup(segno.make(link, error="m").svg_inline(svgclass="qr", omitsize=True, border=2))
