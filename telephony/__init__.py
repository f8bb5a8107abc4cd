"""How a call reaches us: wire formats, the lines made of them, and the media door."""
