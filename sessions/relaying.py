"""Which relay this process uses."""

from django.conf import settings

from sessions.redis_relay import RedisRelay
from sessions.relay import MemoryRelay

relay: MemoryRelay | RedisRelay = RedisRelay(settings.REDIS_URL) if settings.REDIS_URL else MemoryRelay()
