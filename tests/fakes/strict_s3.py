#!/usr/bin/env python3
"""A strict double of Amazon S3 for tests: HTTPS on loopback, in memory, for what Ceph does not check.

  strict_s3.py CERT.pem KEY.pem        prints its port, ends when its standard input does

It keeps to the S3 API reference where a real peer is lenient: signature, region, clock, checksums and digests of every
body, conditions also on the completion of a multipart upload, locks from CreateMultipartUpload on, no shorter lock.
Every request and every answer is held against the official service model (python3-botocore); what does not fit is
answered 599 and listed. Tests steer it with unsigned requests:
  PUT /_control {"bucket": {"versioning":, "lock":}, "page":, "skew":, "faults": [{"op":, "do":, "times":, ...}]}
  GET /_control -> {"misfits": [...], "requests": [...], "uploads": open ones, "keys": {key: versions}}
Faults, per operation of the model ("*": any): {"status", "code", "headers"} answers that; "lose" carries the request out
and cuts the connection instead of answering; "cut" sends part of the body ("at" bytes); "no-lock" forgets the lock,
"no-condition" the If-None-Match; "late-error" answers 200 with an error document."""
import base64, datetime, hashlib, json, re, ssl, sys, threading, urllib.parse
import xml.etree.ElementTree as ET
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import botocore.parsers
import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import parse_timestamp

KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-central-1"
NS = "http://s3.amazonaws.com/doc/2006-03-01/"
MODEL = botocore.session.get_session().get_service_model("s3")
PART_MIN = 5 << 20
# Headers of HTTP and of the signature, in no operation's model; If-None-Match on writes came after Debian's botocore.
COMMON = {"host", "authorization", "user-agent", "accept", "content-length", "x-amz-date", "x-amz-content-sha256",
          "x-amz-security-token"}
NEWER = {"PutObject": {"if-none-match"}, "CompleteMultipartUpload": {"if-none-match"}}


class Refusal(Exception):
    def __init__(self, status, code, extra="", headers=None):
        super().__init__(code)
        self.status, self.code, self.extra, self.headers = status, code, extra, headers or {}


class State:
    def __init__(self):
        self.lock = threading.RLock()
        self.reset({})

    def reset(self, order):
        bucket = order.get("bucket", {})
        self.versioning, self.locking = bucket.get("versioning", False), bucket.get("lock", False)
        self.page, self.skew = order.get("page", 1000), order.get("skew", 0)
        self.faults = order.get("faults", [])
        self.keys, self.uploads, self.misfits, self.requests, self.serial = {}, {}, [], [], 0

    def fault(self, op, *kinds):
        with self.lock:
            for f in self.faults:
                if f.get("times", 1) > 0 and f["op"] in ("*", op) and f["do"] in kinds:
                    if f.get("skip", 0) > 0:
                        f["skip"] -= 1
                        continue
                    f["times"] = f.get("times", 1) - 1
                    return f
        return None

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.skew)


S = State()


def check_signature(h):
    """The same request signed by botocore."""
    m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,\s*"
                     r"SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})", h.headers.get("Authorization", ""))
    if not m:
        raise Refusal(403, "AccessDenied")
    key, day, region, service, names, signature = m.groups()
    if key != KEY:
        raise Refusal(403, "InvalidAccessKeyId")
    if region != REGION or service != "s3":
        raise Refusal(400, "AuthorizationHeaderMalformed", f"<Region>{REGION}</Region>")
    date = h.headers.get("x-amz-date", "")
    at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if abs((at - S.now()).total_seconds()) > 900:
        raise Refusal(403, "RequestTimeTooSkewed")
    names = names.split(";")
    if {n.lower() for n in h.headers if n.lower().startswith("x-amz-") or n.lower() in ("host", "content-md5")} - set(names):
        raise Refusal(403, "AccessDenied", "<Message>There were headers present which were not signed</Message>")
    request = AWSRequest(h.command, f"https://{h.headers['host']}{h.path}", headers={n: h.headers[n] for n in names})
    request.context["timestamp"] = date
    signer = S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if expected != signature or day != date[:8] or names != sorted(names):
        raise Refusal(403, "SignatureDoesNotMatch")


def check_body(h):
    sha = hashlib.sha256(h.body)
    if h.headers.get("x-amz-content-sha256") != sha.hexdigest():
        raise Refusal(400, "XAmzContentSHA256Mismatch")
    md5 = h.headers.get("content-md5")
    if md5 is not None and base64.b64decode(md5) != hashlib.md5(h.body).digest():
        raise Refusal(400, "BadDigest")
    checksum = h.headers.get("x-amz-checksum-sha256")
    if checksum is not None and base64.b64decode(checksum) != sha.digest():
        raise Refusal(400, "BadDigest")


def operation(method, has_key, query):
    table = [("GET", False, "versioning", "GetBucketVersioning"), ("GET", False, "object-lock", "GetObjectLockConfiguration"),
             ("GET", False, "versions", "ListObjectVersions"), ("GET", False, "list-type", "ListObjectsV2"),
             ("PUT", True, "retention", "PutObjectRetention"), ("PUT", True, "partNumber", "UploadPart"),
             ("PUT", True, None, "PutObject"), ("POST", True, "uploads", "CreateMultipartUpload"),
             ("POST", True, "uploadId", "CompleteMultipartUpload"), ("DELETE", True, "uploadId", "AbortMultipartUpload"),
             ("DELETE", True, None, "DeleteObject"), ("GET", True, None, "GetObject"), ("HEAD", True, None, "HeadObject")]
    for m, k, q, name in table:
        if m == method and k == has_key and (q is None or q in query):
            return name
    raise Refusal(405, "MethodNotAllowed")


# --- the official model ---
def fits_xml(shape, element, at, bad):
    known = {}
    for name, member in shape.members.items():
        flat = member.type_name == "list" and member.serialization.get("flattened")
        known[member.serialization.get("name", member.member.serialization.get("name", name) if flat else name)] = member
    for child in element:
        tag = child.tag.split("}")[-1]
        member = known.get(tag)
        if member is None:
            bad.append(f"{at}/{tag} is not in the model")
            continue
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            fits_xml(inner, child, f"{at}/{tag}", bad)
        elif getattr(inner, "enum", None) and (child.text or "") not in inner.enum:
            bad.append(f"{at}/{tag} is {child.text!r}")
        elif inner.type_name == "timestamp":
            parse_timestamp(child.text)


def request_misfits(op, h):
    model, bad = MODEL.operation_model(op), []
    fixed = urllib.parse.parse_qs(urllib.parse.urlparse(model.http["requestUri"]).query, keep_blank_values=True)
    queries, headers, prefixes = set(fixed), set(COMMON), []
    for name, member in model.input_shape.members.items():
        location, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "querystring":
            queries.add(wire)
        elif location == "header":
            headers.add(wire.lower())
            value = h.headers.get(wire)
            if value is not None and getattr(member, "enum", None) and value not in member.enum:
                bad.append(f"{op}: {wire} is {value!r}")
            if value is not None and member.type_name == "timestamp":
                parse_timestamp(value)
        elif location == "headers":
            prefixes.append(wire.lower())
    bad += [f"{op}: query {q} is not in the model" for q in h.query if q not in queries]
    bad += [f"{op}: query {q} is missing" for q in fixed if q not in h.query]
    bad += [f"{op}: header {n} is not in the model" for n in map(str.lower, h.headers)
            if n not in headers | NEWER.get(op, set()) and not any(n.startswith(p) for p in prefixes)]
    payload = model.input_shape.serialization.get("payload")
    if payload and model.input_shape.members[payload].type_name == "structure":
        shape, root = model.input_shape.members[payload], ET.fromstring(h.body)
        if root.tag != f"{{{NS}}}{shape.serialization.get('name', payload)}":
            bad.append(f"{op}: the body is a {root.tag}")
        fits_xml(shape, root, op, bad)
    elif not payload and h.body:
        bad.append(f"{op}: a body that is not in the model")
    return bad


def answer_misfits(op, status, headers, body):
    if op is None or status >= 300 or not body or op in ("GetObject", "HeadObject") or b"<Error>" in body:
        return []
    bad, shape = [], MODEL.operation_model(op).output_shape
    payload = shape.serialization.get("payload")
    fits_xml(shape.members[payload] if payload else shape, ET.fromstring(body), op, bad)
    botocore.parsers.create_parser("rest-xml").parse({"status_code": status, "headers": headers, "body": body}, shape)
    return bad


# --- objects ---
def when(text):
    return parse_timestamp(text)


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def lock_of(h, op):
    mode, until = h.headers.get("x-amz-object-lock-mode"), h.headers.get("x-amz-object-lock-retain-until-date")
    if (mode is None) != (until is None) or (mode and not S.locking):
        raise Refusal(400, "InvalidRequest")
    if mode and op == "PutObject" and not h.headers.get("content-md5") and not h.headers.get("x-amz-checksum-sha256"):
        raise Refusal(400, "InvalidRequest", "<Message>Content-MD5 HTTP header is required</Message>")
    if mode and when(until) <= S.now():
        raise Refusal(400, "InvalidArgument")
    return None if mode is None or S.fault(op, "no-lock") else (mode, when(until))


def held(version):
    return version.get("lock") is not None and version["lock"][1] > S.now()


def latest(key):
    versions = S.keys.get(key, [])
    return versions[0] if versions and "body" in versions[0] else None


def find(key, query):
    if "versionId" not in query:
        found = latest(key)
        if found is None:
            marker = {"x-amz-delete-marker": "true"} if S.keys.get(key) else {}
            raise Refusal(404, "NoSuchKey", headers=marker)
        return found
    for version in S.keys.get(key, []):
        if version["id"] == query["versionId"]:
            if "body" not in version:
                raise Refusal(405, "MethodNotAllowed")
            return version
    raise Refusal(404, "NoSuchVersion")


def check_condition(h, op, key):
    if h.headers.get("if-none-match") == "*" and latest(key) is not None and not S.fault(op, "no-condition"):
        raise Refusal(412, "PreconditionFailed")


def store(key, body, lock, meta, etag):
    S.serial += 1
    version = {"id": f"v{S.serial}+/=" if S.versioning else "null", "body": body, "lock": lock, "meta": meta,
               "etag": f'"{etag}"', "at": S.now()}
    S.keys[key] = [version] + (S.keys.get(key, []) if S.versioning else [])
    return {"ETag": version["etag"], **({"x-amz-version-id": version["id"]} if S.versioning else {})}


def meta_of(h):
    return {n.lower(): v for n, v in h.headers.items() if n.lower().startswith("x-amz-meta-")}


def put_object(h, key, query):
    check_condition(h, "PutObject", key)
    return 200, store(key, h.body, lock_of(h, "PutObject"), meta_of(h), hashlib.md5(h.body).hexdigest()), b""


def create_upload(h, key, query):
    S.serial += 1
    name = f"u{S.serial}/+="
    S.uploads[name] = {"key": key, "lock": lock_of(h, "CreateMultipartUpload"), "meta": meta_of(h), "parts": {},
                       "algorithm": h.headers.get("x-amz-checksum-algorithm")}
    return 200, {}, xml("InitiateMultipartUploadResult", f"<Key>{key}</Key><UploadId>{name}</UploadId>")


def upload_of(key, query):
    upload = S.uploads.get(query["uploadId"])
    if upload is None or upload["key"] != key:
        raise Refusal(404, "NoSuchUpload")
    return upload


def upload_part(h, key, query):
    upload, number = upload_of(key, query), int(query["partNumber"])
    if upload["algorithm"] and not h.headers.get("x-amz-checksum-" + upload["algorithm"].lower()):
        raise Refusal(400, "InvalidRequest", "<Message>the upload was created with another checksum type</Message>")
    if not 1 <= number <= 10000:
        raise Refusal(400, "InvalidArgument")
    etag = f'"{hashlib.md5(h.body).hexdigest()}"'
    upload["parts"][number] = (etag, h.headers.get("x-amz-checksum-sha256"), h.body)
    return 200, {"ETag": etag}, b""


def complete_upload(h, key, query):
    upload, listed = upload_of(key, query), []
    for part in ET.fromstring(h.body).iter(f"{{{NS}}}Part"):
        number, etag, checksum = (part.findtext(f"{{{NS}}}{n}") for n in ("PartNumber", "ETag", "ChecksumSHA256"))
        known = upload["parts"].get(int(number))
        if known is None or known[0] != etag or (upload["algorithm"] and known[1] != checksum):
            raise Refusal(400, "InvalidPart")
        listed.append((int(number), known[2]))
    if [n for n, _ in listed] != sorted(n for n, _ in listed) or not listed:
        raise Refusal(400, "InvalidPartOrder")
    if any(len(body) < PART_MIN for _, body in listed[:-1]):
        raise Refusal(400, "EntityTooSmall")
    check_condition(h, "CompleteMultipartUpload", key)
    if S.fault("CompleteMultipartUpload", "late-error"):
        return 200, {}, b'<?xml version="1.0"?>\n\n <Error><Code>InternalError</Code><Message>again</Message></Error>'
    del S.uploads[query["uploadId"]]
    body = b"".join(b for _, b in listed)
    headers = store(key, body, upload["lock"], upload["meta"], f"{hashlib.md5(body).hexdigest()}-{len(listed)}")
    return 200, headers, xml("CompleteMultipartUploadResult", f"<Key>{key}</Key><ETag>x</ETag>")


def abort_upload(h, key, query):
    upload_of(key, query)
    del S.uploads[query["uploadId"]]
    return 204, {}, b""


def put_retention(h, key, query):
    version, root = find(key, query), ET.fromstring(h.body)
    mode, until = root.findtext(f"{{{NS}}}Mode"), when(root.findtext(f"{{{NS}}}RetainUntilDate"))
    if not S.locking or (not h.headers.get("content-md5") and not h.headers.get("x-amz-checksum-sha256")):
        raise Refusal(400, "InvalidRequest")
    if held(version) and (until < version["lock"][1] or (version["lock"][0] == "COMPLIANCE" and mode != "COMPLIANCE")):
        raise Refusal(403, "AccessDenied")
    if not S.fault("PutObjectRetention", "no-lock"):
        version["lock"] = (mode, until)
    return 200, {}, b""


def delete_object(h, key, query):
    versions = S.keys.get(key, [])
    if "versionId" in query:
        for version in [v for v in versions if v["id"] == query["versionId"]]:
            if held(version):
                raise Refusal(403, "AccessDenied")
            versions.remove(version)
        return 204, {}, b""
    if S.versioning:
        S.serial += 1
        S.keys[key] = [{"id": f"v{S.serial}+/=", "at": S.now()}] + versions
    else:
        S.keys.pop(key, None)
    return 204, {}, b""


def get_object(h, key, query):
    version = find(key, query)
    headers = {"ETag": version["etag"], "Last-Modified": formatdate(version["at"].timestamp(), usegmt=True), **version["meta"]}
    if S.versioning:
        headers["x-amz-version-id"] = version["id"]
    if version["lock"]:
        headers |= {"x-amz-object-lock-mode": version["lock"][0], "x-amz-object-lock-retain-until-date": iso(version["lock"][1])}
    if h.headers.get("if-match") not in (None, version["etag"]):
        raise Refusal(412, "PreconditionFailed")
    body, span = version["body"], re.fullmatch(r"bytes=(\d+)-(\d+)", h.headers.get("range", ""))
    if not span:
        return 200, headers, body
    first, last = int(span[1]), min(int(span[2]), len(body) - 1)
    if first >= len(body) or first > last:
        raise Refusal(416, "InvalidRange")
    return 206, headers | {"Content-Range": f"bytes {first}-{last}/{len(body)}"}, body[first:last + 1]


# --- the bucket ---
def xml(root, inner):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NS}">{inner}</{root}>'.encode()


def get_versioning(h, key, query):
    return 200, {}, xml("VersioningConfiguration", "<Status>Enabled</Status>" if S.versioning else "")


def get_locking(h, key, query):
    if not S.locking:
        raise Refusal(404, "ObjectLockConfigurationNotFoundError")
    return 200, {}, xml("ObjectLockConfiguration", "<ObjectLockEnabled>Enabled</ObjectLockEnabled>")


def list_objects(h, key, query):
    after = base64.b64decode(query["continuation-token"]).decode() if "continuation-token" in query else ""
    keys = [k for k in sorted(S.keys) if latest(k) and k.startswith(query.get("prefix", "")) and k > after]
    page = keys[:min(S.page, int(query.get("max-keys", 1000)))]
    inner = f"<Name>b</Name><KeyCount>{len(page)}</KeyCount><IsTruncated>{str(len(page) < len(keys)).lower()}</IsTruncated>"
    if len(page) < len(keys):
        inner += f"<NextContinuationToken>{base64.b64encode(page[-1].encode()).decode()}</NextContinuationToken>"
    for k in page:
        v = latest(k)
        inner += (f"<Contents><Key>{k}</Key><LastModified>{iso(v['at'])}</LastModified><ETag>{v['etag']}</ETag>"
                  f"<Size>{len(v['body'])}</Size><StorageClass>STANDARD</StorageClass></Contents>")
    return 200, {}, xml("ListBucketResult", inner)


def list_versions(h, key, query):
    rows = [(k, v) for k in sorted(S.keys) if k.startswith(query.get("prefix", "")) for v in S.keys[k]]
    mark = (query.get("key-marker"), query.get("version-id-marker"))
    if mark[0]:
        rows = rows[[(k, v["id"]) for k, v in rows].index(mark) + 1:]
    page = rows[:S.page]
    inner = f"<Name>b</Name><IsTruncated>{str(len(page) < len(rows)).lower()}</IsTruncated>"
    if len(page) < len(rows):
        inner += f"<NextKeyMarker>{page[-1][0]}</NextKeyMarker><NextVersionIdMarker>{page[-1][1]['id']}</NextVersionIdMarker>"
    for k, v in page:
        tag = "Version" if "body" in v else "DeleteMarker"
        more = f"<ETag>{v['etag']}</ETag><Size>{len(v['body'])}</Size>" if "body" in v else ""
        inner += (f"<{tag}><Key>{k}</Key><VersionId>{v['id']}</VersionId><IsLatest>{str(v is S.keys[k][0]).lower()}</IsLatest>"
                  f"<LastModified>{iso(v['at'])}</LastModified>{more}</{tag}>")
    return 200, {}, xml("ListVersionsResult", inner)


DOES = {"PutObject": put_object, "CreateMultipartUpload": create_upload, "UploadPart": upload_part,
        "CompleteMultipartUpload": complete_upload, "AbortMultipartUpload": abort_upload, "GetObject": get_object,
        "HeadObject": get_object, "DeleteObject": delete_object, "PutObjectRetention": put_retention,
        "GetBucketVersioning": get_versioning, "GetObjectLockConfiguration": get_locking, "ListObjectsV2": list_objects,
        "ListObjectVersions": list_versions}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(S.now().timestamp(), usegmt=True)

    def control(self):
        with S.lock:
            if self.command == "PUT":
                order = json.loads(self.body)
                if order.get("keep"):
                    S.faults, S.skew = order.get("faults", []), order.get("skew", 0)
                else:
                    S.reset(order)
                return self.send(200, {}, b"{}")
            keys = {k: len(v) for k, v in S.keys.items()}
            return self.send(200, {}, json.dumps({"misfits": S.misfits, "requests": S.requests, "uploads": len(S.uploads),
                                                  "keys": keys}).encode())

    def handle_one(self):
        self.path_text, _, self.query_text = self.path.partition("?")
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path_text == "/_control":
            return self.control()
        self.query = dict(urllib.parse.parse_qsl(self.query_text, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(self.path_text).lstrip("/").partition("/")
        op, fault = None, None
        try:
            op = operation(self.command, key != "", self.query)
            S.requests.append(op)
            fault = S.fault(op, "lose", "cut")
            scripted = S.fault(op, "answer")
            if scripted:
                raise Refusal(scripted["status"], scripted["code"], headers=scripted.get("headers"))
            check_signature(self)
            check_body(self)
            if bucket != "b":
                raise Refusal(404, "NoSuchBucket")
            bad = request_misfits(op, self)
            if not bad:
                with S.lock:
                    status, headers, body = DOES[op](self, key, self.query)
                bad = answer_misfits(op, status, headers, body)
            if bad:
                S.misfits += bad
                raise Refusal(599, "Misfit")
        except Refusal as r:
            status, headers = r.status, r.headers
            body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{r.code}</Code>{r.extra}</Error>'.encode()
        if fault and fault["do"] == "lose":
            self.close_connection = True
            return None
        return self.send(status, headers, body, fault["at"] if fault else None)

    def send(self, status, headers, body, cut=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            S.misfits.append(f"the double itself: {sys.exc_info()[1]!r}")


def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
