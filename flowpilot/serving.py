"""Running the web and the worker: on one loop, or each alone."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator

import uvicorn
from procrastinate import App
from procrastinate.contrib.django import DjangoApp, app

from flowpilot.handler import get_application

log = logging.getLogger("flowpilot.worker")
GRACE = 3  # seconds an open stream gets before the server closes; the browser picks it up again


def serve(*, host: str, port: int, has_worker: bool) -> None:
    """Serve pages and streams until told to stop, with the worker on the same loop when asked."""
    asyncio.run(_serve(host, port, has_worker))


def work() -> None:
    """Run a worker alone until told to stop."""
    asyncio.run(_work())


async def _serve(host: str, port: int, has_worker: bool) -> None:
    config = uvicorn.Config(
        get_application(),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE,
    )
    server = uvicorn.Server(config)
    async with _worker() if has_worker else contextlib.nullcontext():
        with contextlib.suppress(KeyboardInterrupt):
            await server.serve()


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[None]:
    """Run a worker beside what else runs on this loop. It has an app of its own that shares the tasks, so that deferring in a request
    still goes through Django's connection and its transaction.
    """
    async with _worker_app().open_async() as beside:
        working = asyncio.create_task(_keep_working(beside))
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working


async def _work() -> None:
    async with _worker_app().open_async() as alone:
        working = asyncio.create_task(_keep_working(alone))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _keep_working(runner: App) -> None:
    """Run a worker until told to stop. One that was silent for too long (a closed laptop) finds itself struck off, and ends: another begins."""
    while not _is_told_to_stop():
        try:
            await runner.run_worker_async(install_signal_handlers=False, name=socket.gethostname())
        except Exception:  # the job runner's boundary: what ended this worker must not end the answering
            log.exception("worker.broke")
        if not _is_told_to_stop():
            log.warning("worker.ended, another begins")
            await asyncio.sleep(1)


def _is_told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _worker_app() -> DjangoApp:
    worker = DjangoApp(connector=app.connector.get_worker_connector(), worker_defaults=app.worker_defaults)  # type: ignore[attr-defined]
    worker.tasks = app.tasks
    worker.periodic_registry = app.periodic_registry
    return worker
