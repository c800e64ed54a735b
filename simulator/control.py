"""Unsigned control endpoints: inspect the ledger, inject faults."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from simulator.faults import from_json
from simulator.inputs import LOOPBACK
from simulator.service import Service
from simulator.settings import Settings
from simulator.visual_responses import Answer, encode

PREFIX = "/_simulator/"


def is_allowed(peer: str, headers: Mapping[str, str]) -> bool:
    """
    Whether a request comes from this machine, and not from another site's page in a
    local browser.
    """
    host = urlsplit("//" + headers.get("host", "")).hostname
    site = headers.get("sec-fetch-site", "none")
    return peer in LOOPBACK and host in LOOPBACK and site in {"none", "same-origin"}


class Control:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._initial: Settings = service.settings
        self._doors = {
            ("GET", "ledger"): self._ledger,
            ("GET", "settings"): self._settings,
            ("POST", "settings"): self._settings,
            ("POST", "faults"): self._faults,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, raw: bytes) -> Answer:
        """Perform a request; a status of 400 has the reason in its body."""
        door = self._doors.get((method, path.removeprefix(PREFIX)))
        if door is None:
            return Answer(404, encode({"error": "no such endpoint"}), code=404)
        try:
            return Answer(200, encode(door(json.loads(raw or b"{}"))))
        except ValueError as error:
            return Answer(400, encode({"error": str(error)}), code=400)

    def _ledger(self, body: object) -> object:
        return self._service.ledger.report(self._service.now)

    def _settings(self, body: object) -> object:
        if not isinstance(body, dict):
            raise ValueError("settings are an object")
        self._service.settings = self._service.settings.changed(body)
        return self._service.settings.as_dict()

    def _faults(self, body: object) -> object:
        entries = body if isinstance(body, list) else [body]
        faults = [fault for entry in entries for fault in from_json(entry)]
        self._service.faults.add(faults)
        return {"added": len(faults), "waiting": len(self._service.faults)}

    def _reset(self, body: object) -> object:
        self._service.reset(self._initial)
        return {}
