#!/usr/bin/env python3
"""Compares what two users of a tenant hold, through Microsoft Graph itself.

  graph_compare.py --url https://localhost:P --ca ca.pem --tenant-id T --client-id C --secret-file F
                   --from user@a --to user@b --what mail|drive|contacts [--below "Folder"]

mail: folders, then for every message subject, addresses, dates, read state, flag, categories, importance, body and
the bytes of each attachment. contacts: folders, all properties but ids and dates, photos. drive: folders, names, sizes, hashes and file system dates. --below: the copy is under this
folder. Prints each difference and a summary line; exit 1 if there is any."""
import argparse
import base64
import collections
import concurrent.futures
import hashlib
import json
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

MESSAGE_FIELDS = ("subject,from,sender,toRecipients,ccRecipients,bccRecipients,replyTo,sentDateTime,receivedDateTime,isRead,isDraft,"
                  "flag,categories,importance,internetMessageId,body,hasAttachments")


class Graph:
    def __init__(self, args):
        self.base = args.url.rstrip("/") + "/v1.0"
        self.context = ssl.create_default_context(cafile=args.ca)
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": args.client_id,
                                       "client_secret": open(args.secret_file).read().strip(),
                                       "scope": args.url.rstrip("/") + "/.default"}).encode()
        request = urllib.request.Request(f"{args.url.rstrip('/')}/{args.tenant_id}/oauth2/v2.0/token", form)
        self.token = json.load(urllib.request.urlopen(request, context=self.context))["access_token"]

    def raw(self, url):
        request = urllib.request.Request(url if url.startswith("https:") else self.base + url,
                                         headers={"Authorization": "Bearer " + self.token,
                                                  "Prefer": 'IdType="ImmutableId"'})
        with urllib.request.urlopen(request, context=self.context, timeout=120) as answer:
            return answer.read()

    def pages(self, url):
        while url:
            page = json.loads(self.raw(url))
            yield from page["value"]
            url = page.get("@odata.nextLink")


def quote(text):
    return urllib.parse.quote(text, safe="")


def mail_folders(graph, user):
    """Yields (path, id) of every folder."""
    todo = [("", f"/users/{quote(user)}/mailFolders?includeHiddenFolders=true&$top=100")]
    while todo:
        path, url = todo.pop()
        for folder in graph.pages(url):
            if folder.get("@odata.type", "").endswith("mailSearchFolder"):
                continue
            here = f"{path}/{folder['displayName']}"
            yield here, folder["id"]
            if folder.get("childFolderCount"):
                todo.append((here, f"/users/{quote(user)}/mailFolders/{quote(folder['id'])}/childFolders?includeHiddenFolders=true&$top=100"))


def attachments(graph, user, message):
    found = []
    base = f"/users/{quote(user)}/messages/{quote(message)}/attachments"
    for a in graph.pages(base + "?$top=100"):
        kind = a["@odata.type"].rsplit(".", 1)[-1]
        if kind == "fileAttachment" and a.get("contentBytes") is not None:
            data = base64.b64decode(a["contentBytes"])
        else:
            data = graph.raw(f"{base}/{quote(a['id'])}/$value")
        # An embedded message goes back as a file of the same bytes, with ".eml" after its name.
        name = a.get("name") or ""
        if a.get("contentType") == "message/rfc822":
            name, kind = re.sub(r"\.eml$", "", name), "message"
            # One without a name and without a subject: the service and the restore each make up a name for it.
            name = "" if name == "Message" or re.fullmatch(r"ATT\d{5}", name) else name
        found.append((kind, name, a.get("contentType"), bool(a.get("isInline")), len(data), hashlib.sha256(data).hexdigest()))
    return sorted(found, key=repr)


def people(value):
    if value is None:
        return None
    rows = value if isinstance(value, list) else [value]
    return sorted((r["emailAddress"].get("name") or "", (r["emailAddress"].get("address") or "").lower()) for r in rows)


def seconds(text):
    return (text or "")[:19]


def message_shape(graph, user, m):
    shape = {"subject": m.get("subject") or "", "sent": seconds(m.get("sentDateTime")), "received": seconds(m.get("receivedDateTime")),
             "isRead": m.get("isRead"), "isDraft": m.get("isDraft"), "importance": m.get("importance"),
             "categories": sorted(m.get("categories") or []), "flag": (m.get("flag") or {}).get("flagStatus"),
             "internetMessageId": m.get("internetMessageId") or "", "body": m.get("body")}
    for field in ("from", "toRecipients", "ccRecipients", "bccRecipients"):
        shape[field] = people(m.get(field)) or []
    shape["attachments"] = attachments(graph, user, m["id"])
    return shape


def mailbox(graph, user):
    """folder path -> list of message shapes"""
    jobs, result = [], collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for path, folder in mail_folders(graph, user):
            result[path]
            url = f"/users/{quote(user)}/mailFolders/{quote(folder)}/messages?$select={MESSAGE_FIELDS}&$top=50"
            for m in graph.pages(url):
                jobs.append((path, pool.submit(message_shape, graph, user, m)))
        for path, job in jobs:
            result[path].append(job.result())
    return result


def contact_folders(graph, user):
    """Yields (path, id) of every folder."""
    main = json.loads(graph.raw(f"/users/{quote(user)}/contactFolders/contacts"))
    todo = [("", f"/users/{quote(user)}/contactFolders"),
            ("/" + main["displayName"], f"/users/{quote(user)}/contactFolders/{quote(main['id'])}/childFolders")]
    yield "/" + main["displayName"], main["id"]
    while todo:
        path, url = todo.pop()
        for folder in graph.pages(url):
            here = f"{path}/{folder['displayName']}"
            yield here, folder["id"]
            todo.append((here, f"/users/{quote(user)}/contactFolders/{quote(folder['id'])}/childFolders"))


def photo(graph, user, contact):
    try:
        return hashlib.sha256(graph.raw(f"/users/{quote(user)}/contacts/{quote(contact)}/photo/$value")).hexdigest()
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def contacts(graph, user):
    """folder path -> list of contact shapes"""
    result = collections.defaultdict(list)
    for path, folder in contact_folders(graph, user):
        result[path]
        for c in graph.pages(f"/users/{quote(user)}/contactFolders/{quote(folder)}/contacts?$top=100"):
            shape = {key: value for key, value in c.items() if "@" not in key and value not in (None, [], {}) and
                     key not in ("id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId")}
            shape["photo"] = photo(graph, user, c["id"])
            result[path].append(shape)
    return result


def drive(graph, user):
    """path -> [shape]"""
    result = {}
    todo = [("", f"/users/{quote(user)}/drive/root/children?$top=200")]
    while todo:
        path, url = todo.pop()
        for item in graph.pages(url):
            here = f"{path}/{item['name']}"
            times = item.get("fileSystemInfo") or {}
            if "folder" in item:
                result[here] = [{"kind": "folder"}]
                todo.append((here, f"/users/{quote(user)}/drive/items/{quote(item['id'])}/children?$top=200"))
            else:
                result[here] = [{"kind": "file", "size": item["size"],
                                 "hash": ((item.get("file") or {}).get("hashes") or {}).get("quickXorHash") if item["size"] else None,
                                 "modified": seconds(times.get("lastModifiedDateTime"))}]
    return result


def distance(a, b):
    """How many fields differ; those that identify a message weigh more."""
    weights = {"internetMessageId": 8 if a.get("internetMessageId") else 0, "subject": 4, "sent": 4, "attachments": 3, "body": 3}
    return sum(weights.get(field, 1) for field in {**a, **b} if a.get(field) != b.get(field))


def pair(ours, theirs):
    """Each of ours with the most similar of theirs that is left; equal ones first."""
    left = list(theirs)
    for limit in (0, 3, 7, 12, 1000):
        rest = []
        for a in ours:
            best = min(left, key=lambda b: distance(a, b), default=None)
            if best is not None and distance(a, best) <= limit:
                left.remove(best)
                yield a, best
            else:
                rest.append(a)
        ours = rest


def differences(path, ours, theirs):
    found = []
    for a, b in pair(ours, theirs):
        for field in sorted({**a, **b}):
            # A message without an id gets one from the service.
            if a.get(field) != b.get(field) and not (field == "internetMessageId" and not a.get(field)):
                found.append((path, field, a.get(field), b.get(field)))
    if len(ours) != len(theirs):
        found.append((path, "count", len(ours), len(theirs)))
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "ca", "tenant-id", "client-id", "secret-file", "from", "to", "what"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--below", default="")
    p.add_argument("--tolerate", default="", help="comma separated field names that may differ")
    args = p.parse_args()
    graph = Graph(args)
    read = {"mail": mailbox, "drive": drive, "contacts": contacts}[args.what]
    source, copy = read(graph, getattr(args, "from")), read(graph, args.to)
    if args.below:
        copy = {path[len(args.below) + 1:]: rows for path, rows in copy.items() if path.startswith("/" + args.below + "/")}
    found, tolerated = [], collections.Counter()
    for path in sorted(source):
        for d in differences(path, source[path], copy.get(path, [])):
            if d[1] in args.tolerate.split(","):
                tolerated[d[1]] += 1
            else:
                found.append(d)
    for path, field, a, b in found[:40]:
        print(f"{path}: {field}: {str(a)[:300]!r} became {str(b)[:300]!r}")
    count = sum(len(rows) for rows in source.values())
    fields = collections.Counter(d[1] for d in found)
    print(f"{args.what}: {count} items in {len(source)} paths compared, {len(found)} differences {dict(fields)}"
          + (f", tolerated {dict(tolerated)}" if tolerated else ""))
    return 1 if found or count == 0 else 0


sys.exit(main())
