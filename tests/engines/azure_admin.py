#!/usr/bin/env python3
"""azure_admin.py ruin CONTAINER PREFIX: what an attacker with the account's key tries on every version below a prefix: to
shorten, weaken and lift its policy, to delete it, to write over its name and to delete that. Prints what the storage let
happen to versions that had a lock. AZURE_ENDPOINT, AZURE_ACCOUNT, AZURE_KEY and AZURE_CA say where.

https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, version 2021-12-02."""
import base64, collections, datetime, email.utils, hashlib, hmac, http.client, os, ssl, sys, time, urllib.parse
import xml.etree.ElementTree as ET

endpoint, account = os.environ["AZURE_ENDPOINT"].rstrip("/"), os.environ["AZURE_ACCOUNT"]
key = base64.b64decode(os.environ["AZURE_KEY"])
tls = ssl.create_default_context(cafile=os.environ["AZURE_CA"])


class Refused(Exception):
    pass


def call(method, path, query, body=b"", **headers):
    """Only the headers that the operation has: no library of HTTP for everyday use leaves it at that."""
    url = urllib.parse.urlsplit(f"{endpoint}/{urllib.parse.quote(path)}")
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers |= {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
    if body:
        headers["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
    parts = [method, "", "", str(len(body)) if body else "", headers.get("content-md5", ""), "", "", "", "", "", "", ""]
    parts += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    resource = f"/{account}{url.path}" + "".join(f"\n{name}:{query[name]}" for name in sorted(query))
    text = "\n".join(parts) + "\n" + resource
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers["authorization"] = f"SharedKey {account}:{signature}"
    if method == "PUT":
        headers["content-length"] = str(len(body))
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=tls)
    connection.putrequest(method, url.path + ("?" + urllib.parse.urlencode(query) if query else ""), skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status // 100 != 2:
        assert answer.status in (400, 403, 404, 409), (answer.status, path)
        raise Refused(answer.headers.get("x-ms-error-code"))
    return content


def versions(container, prefix):
    marker = ""
    while True:
        root = ET.fromstring(call("GET", container, {"restype": "container", "comp": "list", "prefix": prefix, "marker": marker,
                                                     "include": "versions,immutabilitypolicy"}).decode("utf-8-sig"))
        for blob in root.iter("Blob"):
            until = blob.findtext("Properties/ImmutabilityPolicyUntilDate")
            # What the probe left has a lock of minutes.
            lock = until is not None and email.utils.parsedate_to_datetime(until).timestamp() > time.time() + 3600
            yield blob.findtext("Name"), blob.findtext("VersionId"), lock
        marker = root.findtext("NextMarker")
        if not marker:
            return


def attempts(container, name, version):
    path, at = f"{container}/{name}", {"versionid": version}
    soon = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5), usegmt=True)
    for mode in "Locked", "Unlocked":
        yield f"shorten to {mode}", lambda mode=mode: call(
            "PUT", path, {"comp": "immutabilityPolicies"}, x_ms_immutability_policy_mode=mode,
            x_ms_immutability_policy_until_date=soon)
    yield "lift", lambda: call("DELETE", path, {"comp": "immutabilityPolicies"})
    yield "write over", lambda: call("PUT", path, {}, b"not what was here", x_ms_blob_type="BlockBlob")
    yield "hide", lambda: call("DELETE", path, {})
    yield "delete", lambda: call("DELETE", path, at)


what, container, prefix = sys.argv[1:]
assert what == "ruin"
worked, reasons, locked, tries = collections.Counter(), collections.Counter(), 0, 0
for name, version, lock in list(versions(container, prefix)):
    locked += lock
    for attempt, act in attempts(container, name, version):
        tries += 1
        try:
            act()
            worked[(attempt, "locked" if lock else "free")] += 1
        except Refused as refused:
            reasons[str(refused)] += 1
for (attempt, lock), count in sorted(worked.items()):
    print(f"{attempt}, {lock}: {count}")
print(f"refused: {dict(reasons)}")
assert "AuthenticationFailed" not in reasons and "StrictDouble" not in reasons
print(f"{tries} attempts; {locked} versions had a lock")
harm = sum(count for (attempt, lock), count in worked.items() if lock == "locked" and attempt not in ("write over", "hide"))
print(f"locks that gave way: {harm}")
