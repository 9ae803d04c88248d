"""What changes a session. Each write is one transaction that first moves the session's version, or at least locks the session."""
