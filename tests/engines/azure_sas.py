#!/usr/bin/env python3
"""azure_sas.py ACCOUNT KEY PERMISSIONS: prints an account SAS for blobs, good for a day, https only.

https://learn.microsoft.com/rest/api/storageservices/create-account-sas, version 2019-12-12."""
import base64, datetime, hashlib, hmac, sys, urllib.parse

account, key, permissions = sys.argv[1:]
version = "2019-12-12"
start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=15)
end = start + datetime.timedelta(days=1)
start, end = (t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in (start, end))
text = "\n".join([account, permissions, "b", "co", start, end, "", "https", version, ""])
signature = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
print("?" + urllib.parse.urlencode({"sv": version, "ss": "b", "srt": "co", "sp": permissions, "st": start, "se": end,
                                    "spr": "https", "sig": signature}))
