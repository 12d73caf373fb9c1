#!/usr/bin/env python3
"""Checks the simulator's answers against a description of Microsoft Graph: types, required properties and that no
property is there which Graph does not have. Arguments: the m365sim binary and the OpenAPI file (or M365SIM_OPENAPI in
the environment; by default the one that lies beside the project, if there is one). Exits 77 when the file, PyYAML or jsonschema is missing."""
import base64, http.client, json, os, pathlib, ssl, subprocess, sys, tempfile, time, urllib.parse

SIM = sys.argv[1]
BESIDE = pathlib.Path(__file__).resolve().parents[3] / "shared/graph/openapi-subset.yaml"
OPENAPI = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("M365SIM_OPENAPI", str(BESIDE))
TENANT, CLIENT, SECRET = "00000000-0000-4000-8000-0000000074a7", "00000000-0000-4000-8000-00000000c11e", "s+/=~x"
MAIL = b"""From: "Ad\xc3\xa9, Olu" <olu@fabrikam.example>\r
To: Ines Kaya <ada@contoso.example>, other@contoso.example\r
Subject: =?utf-8?B?w5ZmZmVy?=\r
Date: Mon, 14 Sep 2026 09:58:07 +0200\r
Message-ID: <1@fabrikam.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p>hi</p>\r
--b\r
Content-Type: application/pdf; name=a.pdf\r
Content-Disposition: attachment; filename=a.pdf\r
Content-Transfer-Encoding: base64\r
\r
SGVsbG8=\r
--b--\r
"""


# Sent by the service although the description does not have it.
UNDOCUMENTED = {("email", "user"), ("group", "owner")}


def skip(why):
    print("skipped:", why)
    sys.exit(77)


try:
    import jsonschema, yaml
except ImportError as e:
    skip(e)
if not os.path.exists(OPENAPI):
    skip("no OpenAPI file given")

with open(OPENAPI, encoding="utf-8") as f:
    SCHEMAS = yaml.load(f, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["components"]["schemas"]


def plain(s):
    """OpenAPI 3.0 to JSON schema: "nullable" becomes a type."""
    if isinstance(s, list):
        return [plain(x) for x in s]
    if not isinstance(s, dict):
        return s
    out = {k: plain(v) for k, v in s.items() if k not in ("nullable", "discriminator", "description", "title", "format")}
    if s.get("nullable") and isinstance(s.get("type"), str):
        out["type"] = [s["type"], "null"]
        if "enum" in out and None not in out["enum"]:
            out["enum"] = out["enum"] + [None]
    return out


PLAIN = {"components": {"schemas": plain(SCHEMAS)}}
PLAIN["components"]["schemas"]["NullValue"] = {"type": "null"}


def validator(name):
    return jsonschema.Draft7Validator({"$ref": f"#/components/schemas/{name}", **PLAIN})


def properties(s, seen=()):
    """Every property a schema knows, with its schema."""
    if "$ref" in s:
        name = s["$ref"].rsplit("/", 1)[1]
        return {} if name in seen else properties(SCHEMAS[name], seen + (name,))
    found = dict(s.get("properties", {}))
    for part in s.get("allOf", []) + s.get("anyOf", []) + s.get("oneOf", []):
        found.update(properties(part, seen))
    return found


def is_open(s):
    if "$ref" in s:
        s = SCHEMAS[s["$ref"].rsplit("/", 1)[1]]
    return not properties(s) or any(is_open(p) for p in s.get("anyOf", []) if "NullValue" not in str(p))


def items_of(s):
    if "$ref" in s:
        s = SCHEMAS[s["$ref"].rsplit("/", 1)[1]]
    for part in [s] + s.get("allOf", []) + s.get("anyOf", []):
        if "items" in part:
            return part["items"]
    return None


def unknown(value, s, path):
    if isinstance(value, list):
        inner = items_of(s)
        return [p for i, v in enumerate(value) if inner for p in unknown(v, inner, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    named = "#/components/schemas/" + value.get("@odata.type", "").lstrip("#")
    if named.rsplit("/", 1)[1] in SCHEMAS:
        s = {"$ref": named}
    known, out = properties(s), []
    for k, v in value.items():
        if k in known:
            out += unknown(v, known[k], f"{path}.{k}")
        elif "@" not in k and not is_open(s) and (k, path.rsplit(".", 1)[-1]) not in UNDOCUMENTED:
            out.append(f"{path}.{k}")
    return out


class Sim:
    def __init__(self, folder):
        self.folder = folder
        cert = f"{folder}/cert"
        subprocess.run([SIM, "--make-cert", cert], check=True)
        self.process = subprocess.Popen([SIM, "--tenant", f"{folder}/tenant", "--cert", f"{cert}/server.pem", "--key",
                                         f"{cert}/server.key", "--client-secret", SECRET, "--ready-file", f"{folder}/port"],
                                        stdout=subprocess.DEVNULL)
        while not os.path.exists(f"{folder}/port"):
            time.sleep(0.05)
        self.port = int(open(f"{folder}/port").read())
        self.context = ssl.create_default_context(cafile=f"{cert}/ca.pem")
        form = dict(grant_type="client_credentials", client_id=CLIENT, client_secret=SECRET, scope="https://x/.default")
        token = self("POST", f"/{TENANT}/oauth2/v2.0/token", urllib.parse.urlencode(form), 200, "TokenResponse", {})
        self.headers = {"Authorization": "Bearer " + token["access_token"]}

    def __call__(self, method, url, body=None, status=200, schema=None, headers=None):
        if url.startswith("https://"):
            url = "/" + url.split("/", 3)[3]
        send = dict(self.headers if headers is None else headers)
        if isinstance(body, dict):
            body, send["Content-Type"] = json.dumps(body), "application/json"
        c = http.client.HTTPSConnection("localhost", self.port, context=self.context)
        c.request(method, url, body=body, headers=send)
        r = c.getresponse()
        data = r.read()
        c.close()
        assert r.status == status, (method, url, r.status, data[:300])
        if schema is None:
            return data
        value = json.loads(data)
        wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:150]}" for e in validator(schema).iter_errors(value)]
        wrong += [f"{p}: unknown to {schema}" for p in unknown(value, {"$ref": f"#/components/schemas/{schema}"}, "")]
        assert not wrong, (method, url, wrong[:10])
        self.checked = getattr(self, "checked", 0) + 1
        return value


def mail(sim, user):
    u = f"/v1.0/users/{user}"
    sim("GET", u + "/mailFolders?includeHiddenFolders=true&$top=3", schema="PageOf_mailFolder")
    inbox = sim("GET", u + "/mailFolders/inbox", schema="microsoft.graph.mailFolder")["id"]
    sim("GET", u + "/mailFolders/msgfolderroot/childFolders", schema="PageOf_mailFolder")
    sim("GET", u + "/mailFolders/delta", schema="DeltaPageOf_mailFolder")
    made = sim("POST", u + "/mailFolders", {"displayName": "New"}, 201, "microsoft.graph.mailFolder")["id"]
    page = sim("GET", f"{u}/mailFolders/{inbox}/messages/delta", schema="DeltaPageOf_message")
    sim("GET", f"{u}/mailFolders/{inbox}/messages?$select=subject,from", schema="PageOf_message")
    m = f"{u}/messages/{page['value'][0]['id']}"
    sim("GET", m + "?$expand=attachments", schema="microsoft.graph.message")
    ids = urllib.parse.quote("singleValueExtendedProperties($filter=id eq 'Integer 0x0E07' or id eq 'String 0x001A')")
    sim("GET", f"{m}?$expand={ids}", schema="microsoft.graph.message")
    listed = sim("GET", m + "/attachments", schema="PageOf_attachment")
    sim("GET", f"{m}/attachments/{listed['value'][0]['id']}", schema="microsoft.graph.fileAttachment")
    entity = {"subject": "x", "body": {"contentType": "html", "content": "<b>x</b>"}, "isRead": True,
              "toRecipients": [{"emailAddress": {"name": "A", "address": "a@b.example"}}],
              "singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "4"}]}
    new = sim("POST", f"{u}/mailFolders/{made}/messages", entity, 201, "microsoft.graph.message")["id"]
    a = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": base64.b64encode(b"x").decode()}
    sim("POST", f"{u}/messages/{new}/attachments", a, 201, "microsoft.graph.fileAttachment")
    session = sim("POST", f"{u}/messages/{new}/attachments/createUploadSession",
                  {"AttachmentItem": {"attachmentType": "file", "name": "b", "size": 10}}, 201, "microsoft.graph.uploadSession")
    sim("PUT", session["uploadUrl"], b"12345", 200, "OutlookUploadProgress", {"Content-Range": "bytes 0-4/10"})
    sim("PUT", session["uploadUrl"], b"67890", 201, None, {"Content-Range": "bytes 5-9/10"})
    sim("PATCH", f"{u}/messages/{new}", {"isRead": False}, 200, "microsoft.graph.message")
    sim("POST", f"{u}/messages/{new}/move", {"destinationId": "archive"}, 201, "microsoft.graph.message")
    sim("GET", f"{u}/mailFolders/{made}/messages/delta?$deltatoken=x", None, 410, "ODataError")
    sim("GET", f"{u}/messages/AAkALgAAnone", None, 400, "ODataError")


CARD = b"BEGIN:VCARD\r\nFN:Olu Ade\r\nN:Ade;Olu;;;\r\nEMAIL:o@b.example\r\nBDAY:1984-05-02\r\nADR;TYPE=WORK:;;S;B;;1;G\r\nEND:VCARD\r\n"


def contacts(sim, user):
    u = f"/v1.0/users/{user}"
    folders = sim("GET", u + "/contactFolders", schema="PageOf_contactFolder")["value"]
    assert [f["displayName"] for f in folders] == ["Friends"], folders
    sim("GET", u + "/contactFolders/contacts", schema="microsoft.graph.contactFolder")
    sim("GET", u + "/contactFolders/delta", schema="DeltaPageOf_contactFolder")
    nested = sim("GET", f"{u}/contactFolders/{folders[0]['id']}/childFolders", schema="PageOf_contactFolder")["value"]
    assert [f["displayName"] for f in nested] == ["Old"], nested
    made = sim("POST", u + "/contactFolders", {"displayName": "New"}, 201, "microsoft.graph.contactFolder")["id"]
    sim("POST", u + "/contactFolders", {"displayName": "New"}, 409, "ODataError")
    sim("PATCH", f"{u}/contactFolders/{made}", {"displayName": "Newer"}, 200, "microsoft.graph.contactFolder")
    page = sim("GET", u + "/contactFolders/contacts/contacts/delta", schema="DeltaPageOf_contact")
    assert [c["displayName"] for c in page["value"]] == ["Olu Ade"], page
    sim("GET", u + "/contacts?$select=displayName&$top=1", schema="PageOf_contact")
    entity = {"givenName": "Ines", "surname": "Kaya", "emailAddresses": [{"name": "I", "address": "i@b.example"}]}
    new = sim("POST", f"{u}/contactFolders/{made}/contacts", entity, 201, "microsoft.graph.contact")
    assert new["parentFolderId"] == made
    changed = sim("PATCH", f"{u}/contacts/{new['id']}", {"jobTitle": "x"}, 200, "microsoft.graph.contact")
    assert changed["changeKey"] != new["changeKey"] and changed["givenName"] == "Ines"
    sim("POST", u + "/contacts", {"nonsense": 1}, 400, "ODataError")
    sim("GET", f"{u}/contacts/{new['id']}/photo/$value", None, 404, "ODataError")
    sim("PUT", f"{u}/contacts/{new['id']}/photo/$value", b"photo")
    assert sim("GET", f"{u}/contactFolders/{made}/contacts/{new['id']}/photo/$value") == b"photo"
    sim("GET", f"{u}/contacts/{new['id']}/photo", schema="microsoft.graph.profilePhoto")
    pathlib.Path(sim.folder, f"tenant/users/{user}/contacts/Contacts/1.vcf").write_bytes(CARD.replace(b"Olu Ade", b"Olu B"))
    sim("DELETE", f"{u}/contacts/{new['id']}", None, 204)
    again = sim("GET", page["@odata.deltaLink"], schema="DeltaPageOf_contact")["value"]
    assert [(c["id"], c["displayName"]) for c in again] == [(page["value"][0]["id"], "Olu B")], again
    sim("DELETE", f"{u}/contactFolders/{made}", None, 204)
    sim("GET", u + "/contactFolders/contacts/contacts/delta?$deltatoken=x", None, 410, "ODataError")


ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VEVENT\r
UID:s\r
SUMMARY:Stand-up\r
DTSTART;TZID=Europe/Berlin:20260914T090000\r
DURATION:PT15M\r
RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8\r
EXDATE;TZID=Europe/Berlin:20261005T090000\r
ORGANIZER;CN=Ines:mailto:i@b.example\r
ATTENDEE;CN=Olu:mailto:o@b.example\r
ATTACH;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:aGVsbG8=\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:s\r
RECURRENCE-ID;TZID=Europe/Berlin:20260928T090000\r
SUMMARY:moved\r
DTSTART;TZID=Europe/Berlin:20260928T110000\r
DURATION:PT15M\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:d\r
SUMMARY:Day off\r
DTSTART;VALUE=DATE:20260914\r
END:VEVENT\r
END:VCALENDAR\r
"""
WINDOW = "startDateTime=2026-09-01T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"


def calendars(sim, user):
    u = f"/v1.0/users/{user}"
    listed = sim("GET", u + "/calendars", schema="PageOf_calendar")["value"]
    assert sorted(c["name"] for c in listed) == ["Calendar", "Team", "Team / Old"], listed
    sim("GET", u + "/calendar", schema="microsoft.graph.calendar")
    made = sim("POST", u + "/calendars", {"name": "New"}, 201, "microsoft.graph.calendar")["id"]
    sim("PATCH", f"{u}/calendars/{made}", {"color": "lightBlue"}, 200, "microsoft.graph.calendar")
    page = sim("GET", u + "/calendars/calendar/events/delta", schema="DeltaPageOf_event")
    kinds = {e["type"]: e for e in page["value"]}
    assert sorted(kinds) == ["exception", "seriesMaster", "singleInstance"] and kinds["singleInstance"]["isAllDay"]
    assert len(sim("GET", u + "/events", schema="PageOf_event")["value"]) == 2
    master = kinds["seriesMaster"]
    e = f"{u}/events/{master['id']}"
    one = sim("GET", e + "?$expand=exceptionOccurrences&$select=subject,cancelledOccurrences", schema="microsoft.graph.event")
    assert one["cancelledOccurrences"] == [f"OID.{master['id']}.2026-10-05"], one
    assert [x["originalStart"] for x in one["exceptionOccurrences"]] == ["2026-09-28T07:00:00Z"], one
    assert kinds["exception"]["seriesMasterId"] == master["id"]
    instances = sim("GET", f"{e}/instances?{WINDOW}&$top=50", schema="PageOf_event")["value"]
    assert [i["start"]["dateTime"][:13] for i in instances] == [
        "2026-09-14T07", "2026-09-21T07", "2026-09-28T09", "2026-10-12T07", "2026-10-19T07", "2026-10-26T08", "2026-11-02T08"]
    sim("PATCH", f"{u}/events/{instances[1]['id']}", {"subject": "changed"}, 200, "microsoft.graph.event")
    sim("DELETE", f"{u}/events/{instances[3]['id']}", None, 204)
    sim("GET", f"{u}/events/{instances[3]['id']}", None, 404, "ODataError")
    view = sim("GET", f"{u}/calendarView?{WINDOW}&$top=50", schema="PageOf_event")["value"]
    assert [v["subject"] for v in view].count("changed") == 1 and len(view) == 7, len(view)
    one = sim("GET", e + "?$expand=exceptionOccurrences&$select=cancelledOccurrences", schema="microsoft.graph.event")
    assert len(one["exceptionOccurrences"]) == 2 and len(one["cancelledOccurrences"]) == 2, one
    again = sim("GET", page["@odata.deltaLink"], schema="DeltaPageOf_event")["value"]
    assert sorted(x["type"] for x in again) == ["exception", "seriesMaster"], again
    berlin = {"Prefer": 'outlook.timezone="Europe/Berlin"', **sim.headers}
    assert sim("GET", e, None, 200, "microsoft.graph.event", berlin)["start"]["dateTime"] == "2026-09-14T09:00:00.0000000"
    files = sim("GET", e + "/attachments", schema="PageOf_attachment")["value"]
    assert master["hasAttachments"] and sim("GET", f"{e}/attachments/{files[0]['id']}/$value") == b"hello"
    when = {"dateTime": "2026-09-14T10:00:00", "timeZone": "W. Europe Standard Time"}
    new = {"subject": "N", "start": when, "end": when, "transactionId": "t1", "body": {"contentType": "html", "content": "<b>x</b>"}}
    first = sim("POST", f"{u}/calendars/{made}/events", new, 201, "microsoft.graph.event")
    assert first["start"]["dateTime"] == "2026-09-14T08:00:00.0000000" and first["bodyPreview"] == "x", first
    assert sim("POST", f"{u}/calendars/{made}/events", new, 201, "microsoft.graph.event")["id"] == first["id"]
    sim("POST", u + "/events", {**new, "uid": "x"}, 400, "ODataError")
    sim("POST", u + "/events", {"subject": "x"}, 400, "ODataError")
    sim("POST", u + "/events", {**new, "end": {**when, "dateTime": "2026-09-13T10:00:00"}}, 400, "ODataError")
    e = f"{u}/events/{first['id']}"
    a = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": base64.b64encode(b"x").decode()}
    sim("POST", e + "/attachments", a, 201, "microsoft.graph.fileAttachment")
    session = sim("POST", e + "/attachments/createUploadSession",
                  {"AttachmentItem": {"attachmentType": "file", "name": "b", "size": 5}}, 201, "microsoft.graph.uploadSession")
    sim("PUT", session["uploadUrl"], b"12345", 201, None, {"Content-Range": "bytes 0-4/5"})
    assert len(sim("GET", e + "/attachments", schema="PageOf_attachment")["value"]) == 2
    sim("DELETE", e, None, 204)
    sim("DELETE", f"{u}/events/{master['id']}", None, 204)
    again = sim("GET", page["@odata.deltaLink"], schema="DeltaPageOf_event")["value"]
    assert len(again) == 3 and all("@removed" in x for x in again), again
    sim("DELETE", f"{u}/calendars/{made}", None, 204)


def settings(sim, user):
    u = f"/v1.0/users/{user}"
    first = sim("GET", u + "/mailboxSettings", schema="microsoft.graph.mailboxSettings")
    assert first["timeZone"] == "W. Europe Standard Time" and first["workingHours"]["daysOfWeek"], first
    change = {"automaticRepliesSetting": {"status": "alwaysEnabled", "internalReplyMessage": "away"}}
    changed = sim("PATCH", u + "/mailboxSettings", change, 200, "microsoft.graph.mailboxSettings")
    assert changed["automaticRepliesSetting"]["externalAudience"] == "all", changed
    sim("PATCH", u + "/mailboxSettings", {"userPurpose": "room"}, 400, "ODataError")
    c = u + "/outlook/masterCategories"
    assert len(sim("GET", c, schema="PageOf_outlookCategory")["value"]) == 6
    made = sim("POST", c, {"displayName": "Mine", "color": "preset24"}, 201, "microsoft.graph.outlookCategory")["id"]
    sim("POST", c, {"displayName": "mine"}, 409, "ODataError")
    sim("PATCH", f"{c}/{made}", {"displayName": "x"}, 400, "ODataError")
    sim("PATCH", f"{c}/{made}", {"color": "preset1"}, 200, "microsoft.graph.outlookCategory")
    sim("DELETE", f"{c}/{made}", None, 204)
    sim("GET", f"{c}/{made}", None, 404, "ODataError")
    r = u + "/mailFolders/inbox/messageRules"
    assert [x["displayName"] for x in sim("GET", r, schema="PageOf_messageRule")["value"]] == ["Invoices"]
    rule = {"displayName": "R", "conditions": {"subjectContains": ["a"]}, "actions": {"stopProcessingRules": True}}
    made = sim("POST", r, rule, 201, "microsoft.graph.messageRule")["id"]
    assert sim("PATCH", f"{r}/{made}", {"isEnabled": False}, 200, "microsoft.graph.messageRule")["isEnabled"] is False
    sim("GET", f"{r}/{made}", schema="microsoft.graph.messageRule")
    sim("DELETE", f"{r}/{made}", None, 204)
    sim("GET", u + "/mailFolders/archive/messageRules", None, 400, "ODataError")


SETTINGS = {"mailboxSettings": {"timeZone": "W. Europe Standard Time"},
            "messageRules": [{"displayName": "Invoices", "sequence": 1, "isEnabled": True,
                              "actions": {"markAsRead": True}}]}


def drive(sim, path):
    d = sim("GET", path, schema="microsoft.graph.drive")
    base = f"/v1.0/drives/{d['id']}"
    sim("GET", base + "/root", schema="microsoft.graph.driveItem")
    sim("GET", base + "/root/delta", schema="DeltaPageOf_driveItem")
    sim("GET", base + "/root/children", schema="PageOf_driveItem")
    sim("GET", base + "/root/delta?token=x", None, 410, "ODataError")
    folder = sim("POST", base + "/root/children", {"name": "New", "folder": {}}, 201, "microsoft.graph.driveItem")["id"]
    item = sim("PUT", f"{base}/items/{folder}:/a.txt:/content", b"hello", 201, "microsoft.graph.driveItem")["id"]
    sim("PATCH", f"{base}/items/{item}", {"name": "b.txt"}, 200, "microsoft.graph.driveItem")
    sim("POST", base + "/root/children", {"name": "New", "folder": {}}, 409, "ODataError")
    session = sim("POST", f"{base}/items/{folder}:/big.bin:/createUploadSession", {"item": {}}, 200,
                  "microsoft.graph.uploadSession")
    size, half = 2 * 327680, 327680
    sim("PUT", session["uploadUrl"], b"x" * half, 202, "DriveUploadProgress", {"Content-Range": f"bytes 0-{half-1}/{size}"})
    sim("GET", session["uploadUrl"], None, 200, "DriveUploadProgress", {})
    sim("PUT", session["uploadUrl"], b"x" * half, 201, "microsoft.graph.driveItem",
        {"Content-Range": f"bytes {half}-{size-1}/{size}"})
    sim("DELETE", f"{base}/items/{folder}", None, 204)


def main():
    with tempfile.TemporaryDirectory() as folder:
        user = pathlib.Path(folder, "tenant/users/ada@contoso.example")
        for part in ("mail/Inbox", "drive/Docs"):
            (user / part).mkdir(parents=True)
        (user / "mail/Inbox/1.eml").write_bytes(MAIL)
        for part in ("Calendar", "Team/Old"):
            (user / "calendars" / part).mkdir(parents=True)
            (user / "calendars" / part / "1.ics").write_bytes(ICS)
        (user / "settings.json").write_text(json.dumps(SETTINGS))
        for part in ("Contacts", "Friends/Old"):
            (user / "contacts" / part).mkdir(parents=True)
            (user / "contacts" / part / "1.vcf").write_bytes(CARD)
        (user / "drive/Docs/a.docx").write_bytes(b"x" * 1000)
        pathlib.Path(folder, "tenant/sites/Finance/drive").mkdir(parents=True)
        sim = Sim(folder)
        try:
            sim("GET", "/v1.0/users?$top=1", schema="PageOf_user")
            sim("GET", "/v1.0/users/delta", schema="DeltaPageOf_user")
            sim("GET", "/v1.0/users/ada@contoso.example?$select=id,accountEnabled,assignedPlans", schema="microsoft.graph.user")
            sim("GET", "/v1.0/organization", schema="PageOf_organization")
            sites = sim("GET", "/v1.0/sites/getAllSites", schema="PageOf_site")
            mail(sim, "ada@contoso.example")
            settings(sim, "ada@contoso.example")
            calendars(sim, "ada@contoso.example")
            contacts(sim, "ada@contoso.example")
            drive(sim, "/v1.0/users/ada@contoso.example/drive")
            drive(sim, f"/v1.0/sites/{sites['value'][0]['id']}/drive")
            batch = {"requests": [{"id": "1", "method": "GET", "url": "/users"}]}
            sim("POST", "/v1.0/$batch", batch, 200, "BatchResponse")
            sim("GET", "/v1.0/users", None, 401, "ODataError", {})
            sim("POST", f"/{TENANT}/oauth2/v2.0/token", "grant_type=x", 400, "TokenError", {})
        finally:
            sim.process.terminate()
            sim.process.wait()
        print(sim.checked, "answers fit the description")


main()
