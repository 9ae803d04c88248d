"""Callbacks as ConnectWise sends them: signed, tried three times at most, in a thread of their own."""

import base64
import hashlib
import hmac
import json
import queue
import threading
import time
from uuid import uuid4

import httpx

from flowpilot.providers.connectwise.sandbox.door import KEY_PATH, SANDBOX_COMPANY_ID, SIGNING_KEY
from flowpilot.providers.connectwise.sandbox.listing import sendable
from flowpilot.providers.connectwise.sandbox.tables import Record

TIME_OUT = 5.0
RETRIED = frozenset({404, 409, 419, 429})
TYPES = {"tickets": "ticket", "entries": "schedule", "times": "time"}
_PAUSES = (2.0, 4.0)


class Sender:
    """Sends what changed to whoever asked for it. `sent` keeps the bodies and the last status, for tests."""

    def __init__(self) -> None:
        self.host = ""
        self.pauses = _PAUSES
        self.sent: list[tuple[Record, int]] = []
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._thread: threading.Thread | None = None

    def tell(self, callbacks: list[Record], table: str, action: str, row: Record) -> None:
        """Queue a call for each callback that wants this change."""
        kind = TYPES.get(table)
        for callback in callbacks:
            if kind and not callback["inactiveFlag"] and callback["type"].lower() == kind and _is_meant(callback, row):
                body = json.dumps(self.payload(callback, kind, action, row)).encode()
                self._waiting.put((f"{callback['url']}{row['id']}&action={action}", body))
                self._start()

    def payload(self, callback: Record, kind: str, action: str, row: Record) -> Record:
        """Return what ConnectWise sends: the record is a string, and null once it is deleted."""
        return {
            "MessageId": str(uuid4()),
            "FromUrl": self.host,
            "CompanyId": SANDBOX_COMPANY_ID,
            "MemberId": row["_info"].get("updatedBy", ""),
            "Action": action,
            "Type": kind,
            "ID": row["id"],
            "Entity": None if action == "deleted" else json.dumps(sendable(row)),
            "Metadata": {"key_url": self.key_url},
            "CallbackObjectRecId": callback["id"],
            "ProductInstanceId": "aba338229b5355a8996dd85f",
            "PartnerId": "4b335ca8cdea51e5a5de88d5",
        }

    @property
    def key_url(self) -> str:
        """Where the signing key is to be had."""
        return f"http://{self.host}/v4_6_release/{KEY_PATH}?companyName={SANDBOX_COMPANY_ID}&id={uuid4()}"

    def wait(self) -> None:
        """Wait until everything queued was sent or given up."""
        self._waiting.join()

    def clear(self) -> None:
        """Forget what was sent."""
        self.sent.clear()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True, name="connectwise-callbacks")
            self._thread.start()

    def _run(self) -> None:
        with httpx.Client(timeout=TIME_OUT, trust_env=False) as http:
            while True:
                url, body = self._waiting.get()
                try:
                    self.sent.append((json.loads(body), self._send(http, url, body)))
                finally:
                    self._waiting.task_done()

    def _send(self, http: httpx.Client, url: str, body: bytes) -> int:
        status = 0
        for pause in (0.0, *self.pauses):
            time.sleep(pause)
            try:
                headers = {"x-content-signature": signature(body), "Content-Type": "application/json"}
                status = http.post(url, content=body, headers=headers).status_code
            except httpx.HTTPError:
                return 0
            if status not in RETRIED:
                break
        return status


def signature(body: bytes, signing_key: str = SIGNING_KEY) -> str:
    """Return what `x-content-signature` holds for a body."""
    key = hashlib.sha256(signing_key.encode()).digest()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def _is_meant(callback: Record, row: Record) -> bool:
    wanted, level = callback["objectId"], callback["level"].lower()
    if level in ("ticket", "schedule", "time"):
        return row["id"] == wanted
    if level in ("board", "status", "member", "company"):
        return (row.get(level) or {}).get("id") == wanted
    return True
