"""An OpenID Connect server on loopback that speaks as Microsoft Entra does: one address for many tenants, each its own issuer.

It signs in whoever `claims` says, at once; `forge` signs with a key that is not its own. PKCE is checked.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET, KEY_ID = "flowpilot-client", "flowpilot-client-secret", "key-1"


class OidcServer:
    """Serves while it is entered."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict = {}
        self.forge = False
        self._codes: dict[str, dict] = {}

    def __enter__(self) -> "OidcServer":
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"oidc": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error) -> None:
        self._http.shutdown()
        self._http.server_close()

    def configuration(self) -> dict:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        issuer = {
            "issuer": f"{self.url}/{{tenantid}}/v2.0",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        return {name: self.url + path for name, path in paths.items()} | issuer

    def keys(self) -> dict:
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [jwk | {"kid": KEY_ID, "alg": "RS256", "use": "sig"}]}

    def authorize(self, asked: dict) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict) -> dict | None:
        asked = self._codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        is_same = asked and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked.get("code_challenge")
        if not is_same or sent.get("client_secret") != CLIENT_SECRET:
            return None
        now = int(time.time())
        tenant = self.claims.get("iss_tid") or self.claims.get("tid", "")
        claims = {"iss": f"{self.url}/{tenant}/v2.0", "aud": CLIENT_ID, "iat": now, "exp": now + 300} | self.claims
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if self.forge else self._key
        signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": KEY_ID})
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    oidc: OidcServer

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path.endswith("/.well-known/openid-configuration"):
            self._json(self.oidc.configuration())
        elif asked.path == "/keys":
            self._json(self.oidc.keys())
        elif asked.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.oidc.authorize(_flat(asked.query)))
            self.end_headers()
        else:
            self._json({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        sent = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        answer = self.oidc.token(sent)
        self._json(answer or {"error": "invalid_grant"}, 200 if answer else 400)

    def log_message(self, *args) -> None:
        return

    def _json(self, answer: dict, status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _flat(query: str) -> dict:
    return {name: values[0] for name, values in parse_qs(query).items()}
