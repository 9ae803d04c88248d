"""The documents a session ends in, as sentences that each name their sources. Pure: no Django, no database."""
