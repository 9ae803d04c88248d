#!/usr/bin/env python3
"""Tries TCP ports and says what came of each."""

import socket
import sys
import time

numbers = [int(each) for each in Ports.replace(",", " ").split() if each.isdigit()]
if not numbers:
    sys.exit("Give at least one port number.")

try:
    addresses = sorted({info[4][0] for info in socket.getaddrinfo(Server, None)})
except socket.gaierror as error:
    sys.exit(f"{Server} does not resolve: {error}")
print(f"{Server} is {', '.join(addresses)}")

for number in numbers:
    began = time.monotonic()
    try:
        with socket.create_connection((Server, number), timeout=float(WaitSeconds)):
            state = "open"
    except ConnectionRefusedError:
        state = "closed"
    except TimeoutError:
        state = "silent: filtered, or nothing there"
    except OSError as error:
        state = f"not reached: {error.strerror or error}"
    print(f"{number:>6}  {state}  {1000 * (time.monotonic() - began):.0f} ms")
