#!/usr/bin/env python3
"""strict_azure.py FOLDER ACCOUNT KEY: Azure Blob storage as the documentation has it, for what no emulator does.

Listens with TLS on a free port of loopback and writes it to FOLDER/port; the certificate is FOLDER/tls.crt. Container
"worm" has version-level immutability, "plain" keeps no versions. A request that is not exactly as documented for its
operation, or lacks what the driver promises (condition and MD5 of every write), is refused and noted in
FOLDER/violations. Signatures are checked. Objects whose last name part is "<fault>-<anything>" below "faults/" fail in
the way that their name tells; see FAULTS. Every request is one line of FOLDER/requests.

Semantics: https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api and
https://learn.microsoft.com/azure/storage/blobs/immutable-version-level-worm-policies."""
import base64, datetime, email.utils, hashlib, hmac, http.server, os, ssl, subprocess, sys, threading, time, urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

FAULTS = {"busy": "503 to the first two requests", "always": "503 to all", "lost": "the first write is done and not answered",
          "damaged": "Md5Mismatch to the first write", "droplock": "a write drops its lock",
          "neverlock": "so does setting one", "refuselock": "and setting one is refused", "cut": "the first read breaks off",
          "disabled": "AccountIsDisabled", "denied": "AuthorizationPermissionMismatch", "short": "a byte goes missing",
          "moved": "a redirect", "lostblocks": "the first commit finds no blocks", "odd": "500 without a code, once",
          "liar": "reads another range", "unlockedonly": "every policy becomes unlocked"}
EVERY = {"host", "accept", "user-agent", "content-length", "authorization", "x-ms-date", "x-ms-version"}
WRITE = {"content-md5", "if-none-match", "x-ms-meta-longhaulput", "x-ms-immutability-policy-until-date",
         "x-ms-immutability-policy-mode"}
OPERATIONS = {  # (method, comp or restype): allowed headers, allowed parameters
    ("HEAD", "container"): (set(), {"restype"}), ("PUT", "container"): (set(), {"restype"}),
    ("GET", "list"): (set(), {"restype", "comp", "maxresults", "prefix", "include", "marker"}),
    ("PUT", ""): (WRITE | {"x-ms-blob-type"}, set()), ("PUT", "block"): ({"content-md5"}, {"comp", "blockid"}),
    ("PUT", "blocklist"): (WRITE | {"content-type"}, {"comp"}),
    ("PUT", "immutabilityPolicies"): ({"x-ms-immutability-policy-until-date", "x-ms-immutability-policy-mode"}, {"comp"}),
    ("DELETE", "immutabilityPolicies"): (set(), {"comp"}), ("PUT", "legalhold"): ({"x-ms-legal-hold"}, {"comp"}),
    ("HEAD", ""): (set(), {"versionid"}), ("GET", ""): ({"x-ms-range"}, {"versionid"}),
    ("DELETE", ""): (set(), {"versionid"})}
lock = threading.RLock()
containers = {"worm": {"worm": True, "blobs": {}, "blocks": {}}, "plain": {"worm": False, "blobs": {}, "blocks": {}}}
seen = {}
serial = 0


class Refused(Exception):
    def __init__(self, status, code, **headers):
        super().__init__(code)
        self.status, self.code, self.headers = status, code, headers


class Lost(Exception):
    pass


def note(file, line):
    with lock, open(f"{folder}/{file}", "a") as out:
        out.write(line + "\n")


def stamp():
    global serial
    serial += 1
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{serial % 10**7:07d}Z"


def active(version):
    return version["until"] is not None and version["until"] > time.time()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def violation(self, what):
        note("violations", f"{self.command} {self.path}: {what}")
        raise Refused(400, "StrictDouble")

    def check_signature(self):
        h = {k.lower(): v for k, v in self.headers.items()}
        at = email.utils.parsedate_to_datetime(h.get("x-ms-date", "Thu, 01 Jan 1970 00:00:00 GMT")).timestamp()
        if abs(at - time.time()) > 900:
            raise Refused(403, "AuthenticationFailed")
        length = h.get("content-length", "")
        parts = [self.command, "", "", "" if length == "0" else length, h.get("content-md5", ""), h.get("content-type", ""), "",
                 "", "", h.get("if-none-match", ""), "", ""]
        parts += [f"{k}:{h[k]}" for k in sorted(k for k in h if k.startswith("x-ms-"))]
        resource = f"/{account}{self.url.path}"
        for k in sorted(self.query):
            resource += f"\n{k.lower()}:{self.query[k]}"
        text = "\n".join(parts) + "\n" + resource
        good = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        if h.get("authorization") != f"SharedKey {account}:{good}":
            raise Refused(403, "AuthenticationFailed")

    def check_shape(self, operation):
        if operation not in OPERATIONS:
            self.violation("no such operation")
        headers, parameters = OPERATIONS[operation]
        for name in self.headers.keys():
            if name.lower() not in headers | EVERY:
                self.violation(f"header {name}")
            if len(self.headers.get_all(name)) != 1:
                self.violation(f"header {name} more than once")
        if set(self.query) - parameters:
            self.violation(f"parameters {set(self.query) - parameters}")
        if self.headers.get("x-ms-version") != "2021-12-02":
            self.violation("x-ms-version")
        if self.command == "PUT" and operation[1] in ("", "block", "blocklist") and "content-md5" not in self.headers:
            self.violation("a write without Content-MD5")

    def fault(self, name):
        """The fault of this blob, and how often the same request came before."""
        parts = name.split("/")
        kind = parts[-1].split("-")[0] if len(parts) > 1 and parts[-2] == "faults" else ""
        with lock:
            at = (self.command, name, self.query.get("comp", ""))
            seen[at] = seen.get(at, 0) + 1
            return kind, seen[at]

    def fault_before(self, kind, times):
        if kind == "always" or (kind == "busy" and times <= 2):
            raise Refused(503, "ServerBusy", **{"Retry-After": "0"})
        if kind == "odd" and times == 1:
            raise Refused(500, "")
        if kind == "disabled":
            raise Refused(403, "AccountIsDisabled")
        if kind == "denied":
            raise Refused(403, "AuthorizationPermissionMismatch")
        if kind == "moved":
            raise Refused(307, "", Location="https://example.org/")
        if kind == "damaged" and self.command == "PUT" and times == 1:
            raise Refused(400, "Md5Mismatch")

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query, keep_blank_values=True))
        note("requests", f"{self.command} {self.path}")
        try:
            self.check_signature()
            operation = (self.command, self.query.get("comp") or self.query.get("restype") or "")
            self.check_shape(operation)
            if hashlib.md5(self.body).digest() != base64.b64decode(self.headers.get("content-md5") or "") and \
                    "content-md5" in self.headers:
                raise Refused(400, "Md5Mismatch")
            _, container, *blob = self.url.path.split("/", 2)
            if operation[1] in ("container", "list"):
                with lock:
                    self.on_container(operation, container)
            else:
                self.on_blob(operation, container, urllib.parse.unquote(blob[0]))
        except Refused as refused:
            body = b"" if self.command == "HEAD" else b"<?xml version='1.0'?><Error/>"
            headers = dict(refused.headers)
            if refused.code:
                headers["x-ms-error-code"] = refused.code
            self.answer(refused.status, headers, body)
        except Lost:
            self.close_connection = True
            self.connection.close()

    do_GET = do_HEAD = do_PUT = do_DELETE = handle_one

    def answer(self, status, headers, body=b"", cut=None):
        self.send_response(status)
        self.send_header("x-ms-request-id", "00000000-0000-0000-0000-000000000000")
        self.send_header("x-ms-version", "2021-12-02")
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            raise Lost()

    def on_container(self, operation, name):
        if operation == ("PUT", "container"):
            if name in containers:
                raise Refused(409, "ContainerAlreadyExists")
            containers[name] = {"worm": False, "blobs": {}, "blocks": {}}
            return self.answer(201, {})
        if name not in containers:
            raise Refused(404, "ContainerNotFound")
        container = containers[name]
        if operation[0] == "HEAD":
            return self.answer(200, {"x-ms-immutable-storage-with-versioning-enabled": str(container["worm"]).lower()})
        return self.answer(200, {"Content-Type": "application/xml"}, self.listing(container).encode())

    def listing(self, container):
        include = self.query.get("include", "").split(",")
        prefix, marker = self.query.get("prefix", ""), self.query.get("marker", "")
        rows = []
        for name in sorted(n for n in container["blobs"] if n.startswith(prefix)):
            blob = container["blobs"][name]
            for version in blob["versions"]:
                if "versions" in include or version["id"] == blob["current"]:
                    rows.append((f"{name} {version['id']}", name, blob, version))
        rows = [row for row in rows if row[0] > marker]
        page = rows[:min(int(self.query.get("maxresults", 5000)), 200)]
        out = ["\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>"]
        for _, name, blob, version in page:
            out.append(f"<Blob><Name>{escape(name)}</Name>")
            if "versions" in include and container["worm"]:
                out.append(f"<VersionId>{version['id']}</VersionId>")
                if version["id"] == blob["current"]:
                    out.append("<IsCurrentVersion>true</IsCurrentVersion>")
            out.append(f"<Properties><Last-Modified>{email.utils.formatdate(version['modified'], usegmt=True)}</Last-Modified>"
                       f"<Content-Length>{len(version['data'])}</Content-Length><BlobType>BlockBlob</BlobType>")
            if "immutabilitypolicy" in include and version["until"] is not None:
                until = email.utils.formatdate(version["until"], usegmt=True)
                out.append(f"<ImmutabilityPolicyUntilDate>{until}</ImmutabilityPolicyUntilDate>"
                           f"<ImmutabilityPolicyMode>{version['mode'].lower()}</ImmutabilityPolicyMode>")
            if "legalhold" in include and version["hold"]:
                out.append("<LegalHold>true</LegalHold>")
            out.append("</Properties></Blob>")
        more = page[-1][0] if len(page) < len(rows) else ""
        out.append(f"</Blobs><NextMarker>{escape(more)}</NextMarker></EnumerationResults>")
        return "".join(out)

    def on_blob(self, operation, container_name, name):
        if container_name not in containers:
            raise Refused(404, "ContainerNotFound")
        container = containers[container_name]
        kind, times = self.fault(name)
        self.fault_before(kind, times)
        with lock:
            verb = {"PUT": {"": self.put, "block": self.put_block, "blocklist": self.put_block_list,
                            "immutabilityPolicies": self.set_policy, "legalhold": self.set_hold},
                    "DELETE": {"": self.delete, "immutabilityPolicies": self.delete_policy},
                    "HEAD": {"": self.read}, "GET": {"": self.read}}[operation[0]][operation[1]]
            answer = verb(container, name, kind, times)
        if kind == "lost" and self.command == "PUT" and operation[1] != "block" and times == 1:
            raise Lost()
        self.answer(*answer)

    def policy(self, container, kind):
        until, mode = (self.headers.get(f"x-ms-immutability-policy-{n}") for n in ("until-date", "mode"))
        if (until is None) != (mode is None):
            self.violation("half a policy")
        if until is None:
            return None, None
        if mode not in ("Locked", "Unlocked"):
            self.violation(f"mode {mode}")
        at = email.utils.parsedate_to_datetime(until).timestamp()
        if not container["worm"]:
            raise Refused(409, "BlobImmutabilityPolicyNotSupported")
        if at <= time.time():
            raise Refused(400, "InvalidHeaderValue")
        if kind == "unlockedonly":
            mode = "Unlocked"
        return at, mode

    def write(self, container, name, data, kind):
        if self.headers.get("if-none-match") != "*":
            if self.headers.get("x-ms-meta-longhaulput") is not None:
                self.violation("a write without its condition")
        elif container["blobs"].get(name, {}).get("current") is not None:
            raise Refused(409, "BlobAlreadyExists")
        until, mode = self.policy(container, kind)
        if kind in ("droplock", "neverlock", "refuselock"):
            until = mode = None
        if kind == "short":
            data = data[:-1]
        version = {"id": stamp(), "data": data, "modified": time.time(), "until": until, "mode": mode, "hold": False,
                   "token": self.headers.get("x-ms-meta-longhaulput")}
        blob = container["blobs"].setdefault(name, {"versions": [], "current": None})
        if not container["worm"]:
            blob["versions"].clear()
        blob["versions"].append(version)
        blob["current"] = version["id"]
        container["blocks"].pop(name, None)
        return 201, {"x-ms-version-id": version["id"]} if container["worm"] else {}

    def put(self, container, name, kind, _):
        if self.headers.get("x-ms-blob-type") != "BlockBlob":
            self.violation("x-ms-blob-type")
        return self.write(container, name, self.body, kind)

    def put_block(self, container, name, _kind, _times):
        blocks = container["blocks"].setdefault(name, {})
        block = base64.b64decode(self.query["blockid"], validate=True)
        if len(block) > 64 or any(len(other) != len(block) for other in blocks):
            raise Refused(400, "InvalidBlobOrBlock")
        if not self.body:
            raise Refused(400, "InvalidHeaderValue")
        blocks[block] = self.body
        return 201, {}

    def put_block_list(self, container, name, kind, times):
        if kind == "lostblocks" and times == 1:
            container["blocks"].pop(name, None)
        root = ET.fromstring(self.body)
        if root.tag != "BlockList" or any(e.tag != "Uncommitted" for e in root):
            self.violation("block list")
        blocks = container["blocks"].get(name, {})
        ids = [base64.b64decode(e.text, validate=True) for e in root]
        if self.headers.get("if-none-match") == "*" and container["blobs"].get(name, {}).get("current") is not None:
            raise Refused(409, "BlobAlreadyExists")
        if any(i not in blocks for i in ids):
            raise Refused(400, "InvalidBlockList")
        return self.write(container, name, b"".join(blocks[i] for i in ids), kind)

    def find(self, container, name):
        blob = container["blobs"].get(name)
        wanted = self.query.get("versionid") or (blob and blob["current"])
        for version in blob["versions"] if blob else []:
            if version["id"] == wanted:
                return blob, version
        raise Refused(404, "BlobNotFound")

    def set_policy(self, container, name, kind, _):
        _, version = self.find(container, name)
        until, mode = self.policy(container, kind)
        if until is None:
            self.violation("no policy")
        if kind == "refuselock":
            raise Refused(409, "SomethingAboutPolicies")
        if version["mode"] == "Locked" and active(version) and (until < version["until"] or mode != "Locked"):
            raise Refused(409, "BlobImmutableDueToPolicy")
        if kind != "neverlock":
            version["until"], version["mode"] = until, mode
        return 200, {}

    def set_hold(self, container, name, _kind, _times):
        _, version = self.find(container, name)
        version["hold"] = self.headers["x-ms-legal-hold"] == "true"
        return 200, {}

    def delete_policy(self, container, name, _kind, _times):
        _, version = self.find(container, name)
        if version["mode"] == "Locked" and active(version):
            raise Refused(409, "BlobImmutableDueToPolicy")
        version["until"] = version["mode"] = None
        return 200, {}

    def delete(self, container, name, _kind, _times):
        blob, version = self.find(container, name)
        if "versionid" in self.query:
            if version["id"] == blob["current"]:
                raise Refused(403, "OperationNotAllowedOnRootBlob")
            if active(version) or version["hold"]:
                raise Refused(409, "BlobImmutableDueToPolicy")
        blob["current"] = None  # with versions the data stays, as an older one
        if "versionid" in self.query or not container["worm"]:
            blob["versions"].remove(version)
        if not blob["versions"]:
            del container["blobs"][name]
        return 202, {}

    def read(self, container, name, kind, times):
        _, version = self.find(container, name)
        data, status = version["data"], 200
        headers = {"Last-Modified": email.utils.formatdate(version["modified"], usegmt=True), "x-ms-blob-type": "BlockBlob"}
        if container["worm"]:
            headers["x-ms-version-id"] = version["id"]
        if version["token"] is not None:
            headers["x-ms-meta-longhaulput"] = version["token"]
        if version["until"] is not None:
            headers["x-ms-immutability-policy-until-date"] = email.utils.formatdate(version["until"], usegmt=True)
            headers["x-ms-immutability-policy-mode"] = version["mode"].lower()
        if version["hold"]:
            headers["x-ms-legal-hold"] = "true"
        if self.command == "HEAD":
            return 200, headers | {"Content-Length": str(len(data))}
        if "x-ms-range" in self.headers:
            first, last = map(int, self.headers["x-ms-range"].removeprefix("bytes=").split("-"))
            if first >= len(data):
                raise Refused(416, "InvalidRange")
            status, last = 206, min(last, len(data) - 1)
            if kind == "liar":
                first, last = first + 1, last + 1
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data = data[first:last + 1]
        return status, headers, data, len(data) // 2 if kind == "cut" and times == 1 else None


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(60)
        return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass


def main():
    global folder, account, key, tls
    folder, account, key = sys.argv[1], sys.argv[2], base64.b64decode(sys.argv[3])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    f"{folder}/tls.key", "-out", f"{folder}/tls.crt"], check=True, stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{folder}/tls.crt", f"{folder}/tls.key")
    for file in ("violations", "requests"):
        open(f"{folder}/{file}", "w").close()
    server = Server(("127.0.0.1", 0), Handler)
    with open(f"{folder}/port.new", "w") as out:
        out.write(str(server.server_address[1]))
    os.rename(f"{folder}/port.new", f"{folder}/port")
    server.serve_forever()


if __name__ == "__main__":
    main()
