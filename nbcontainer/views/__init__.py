"""How a noun looks: plain lines, a terminal picture, a page."""
