#!/usr/bin/env python3
"""Lists large files that nobody changed lately."""

import heapq
import os
import sys
import time

limit = time.time() - float(Days) * 86400
found = []
unread = 0
if not os.path.isdir(Folder):
    sys.exit(f"{Folder} is no folder.")

for folder, _folders, names in os.walk(Folder):
    for name in names:
        path = os.path.join(folder, name)
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            unread += 1
            continue
        if status.st_mtime < limit:
            found.append((status.st_size, path, status.st_mtime))

for size, path, changed in heapq.nlargest(int(Top), found):
    print(f"{size / 1024**2:>10.1f} MB  {time.strftime('%Y-%m-%d', time.localtime(changed))}  {path}")
print(f"{len(found)} files are older than {Days} days, {unread} could not be read.")
