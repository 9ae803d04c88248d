"""ConnectWise PSA: the client, what it returns, and a sandbox to develop against. Nothing here knows Django."""
