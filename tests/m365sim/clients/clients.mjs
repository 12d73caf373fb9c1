// Microsoft's own clients against the simulator. Arguments: base URL, tenant id, client id, secret, certificate PEM
// (certificate and key in one file) or "-". Exits 1 at the first thing that is not as it should be.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { Client, LargeFileUploadTask, FileUpload, PageIterator, BatchRequestContent } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";

const [base, tenant, clientId, secret, certificate] = process.argv.slice(2);
const options = { authorityHost: base, disableInstanceDiscovery: true };

function clientFor(credential) {
  const authProvider = new TokenCredentialAuthenticationProvider(credential, { scopes: [`${base}/.default`] });
  return Client.initWithMiddleware({ authProvider, baseUrl: `${base}/`, customHosts: new Set(["localhost"]) });
}

async function all(client, path, headers = {}) {
  const items = [];
  let page = await client.api(path).headers(headers).get();
  const iterator = new PageIterator(client, page, (item) => { items.push(item); return true; }, { headers });
  await iterator.iterate();
  return { items, deltaLink: iterator.getDeltaLink() };
}

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function mail(client, user) {
  const folders = await all(client, `/users/${user.id}/mailFolders?$top=2`);
  const inbox = folders.items.find((f) => f.displayName === "Inbox");
  assert.ok(inbox, "there is an inbox");
  const headers = { Prefer: 'IdType="ImmutableId", odata.maxpagesize=2' };
  const listed = await all(client, `/users/${user.id}/mailFolders/${inbox.id}/messages?$top=2&$select=subject`);
  const round = await all(client, `/users/${user.id}/mailFolders/${inbox.id}/messages/delta`, headers);
  assert.equal(round.items.length, 5);
  assert.equal(listed.items.length, 5);
  assert.ok(round.deltaLink);
  const hashes = new Set();
  for (const message of round.items) {
    const mime = await client.api(`/users/${user.id}/messages/${message.id}/$value`).headers(headers).getStream();
    hashes.add(createHash("sha256").update(await bytesOf(mime)).digest("hex"));
  }
  assert.deepEqual([...hashes].sort(), process.env.MAIL_HASHES.split(" ").sort());

  const made = await client.api(`/users/${user.id}/mailFolders/inbox/messages`).headers(headers).post({
    subject: "Grüße", body: { contentType: "text", content: "hi" }, isRead: true,
    toRecipients: [{ emailAddress: { address: "a@contoso.example", name: "A" } }],
    singleValueExtendedProperties: [
      { id: "Integer 0x0E07", value: "4" }, { id: "SystemTime 0x0E06", value: "2020-01-02T03:04:05Z" }],
  });
  assert.equal(made.isDraft, false);
  assert.equal(made.receivedDateTime, "2020-01-02T03:04:05Z");
  const again = await all(client, round.deltaLink, headers);
  assert.deepEqual(again.items.map((m) => m.subject), ["Grüße"]);
  await client.api(`/users/${user.id}/messages/${made.id}`).headers(headers).delete();
}

async function contacts(client, user) {
  const headers = { Prefer: 'IdType="ImmutableId", odata.maxpagesize=2' };
  const delta = `/users/${user.id}/contactFolders/contacts/contacts/delta`;
  const round = await all(client, delta, headers);
  assert.deepEqual(round.items.map((c) => c.emailAddresses[0].address).sort(), ["c1@b.example", "c2@b.example", "c3@b.example"]);
  const folder = await client.api(`/users/${user.id}/contactFolders`).post({ displayName: "Made" });
  const made = await client.api(`/users/${user.id}/contacts`).headers(headers)
    .post({ givenName: "Grüße", emailAddresses: [{ address: "g@b.example", name: "G" }] });
  await client.api(`/users/${user.id}/contacts/${round.items[0].id}`).headers(headers).patch({ jobTitle: "Boss" });
  await client.api(`/users/${user.id}/contacts/${round.items[1].id}`).headers(headers).delete();
  const again = await all(client, round.deltaLink, headers);
  assert.deepEqual(again.items.map((c) => c["@removed"]?.reason ?? c.jobTitle ?? c.givenName), ["Grüße", "Boss", "deleted"]);
  assert.equal(again.items[2].id, round.items[1].id);
  assert.notEqual(again.items[1]["@odata.etag"], round.items[0]["@odata.etag"]);
  const photo = randomBytes(1000);
  await client.api(`/users/${user.id}/contacts/${made.id}/photo/$value`).header("Content-Type", "image/jpeg").put(photo);
  const stream = await client.api(`/users/${user.id}/contacts/${made.id}/photo/$value`).getStream();
  assert.ok((await bytesOf(stream)).equals(photo));
  await client.api(`/users/${user.id}/contactFolders/${folder.id}`).delete();
  await assert.rejects(client.api(`/users/${user.id}/contactFolders/${folder.id}`).get(), (e) => e.statusCode === 404);
}

async function calendars(client, user) {
  const headers = { Prefer: 'IdType="ImmutableId", odata.maxpagesize=2' };
  const made = await client.api(`/users/${user.id}/calendars`).post({ name: "Made" });
  const events = `/users/${user.id}/calendars/${made.id}/events`;
  const at = (hour) => ({ dateTime: `2026-09-14T${hour}:00:00`, timeZone: "Europe/Berlin" });
  const master = await client.api(events).headers(headers).post({ subject: "Series", start: at("09"), end: at("10"),
    recurrence: { pattern: { type: "daily", interval: 2 }, range: { type: "numbered", startDate: "2026-09-14", numberOfOccurrences: 5 } } });
  assert.equal(master.type, "seriesMaster");
  const round = await all(client, `${events}/delta`, headers);
  assert.deepEqual(round.items.map((e) => e.id), [master.id]);
  const path = `/users/${user.id}/events/${master.id}`;
  const { items } = await all(client, `${path}/instances?startDateTime=2026-09-01&endDateTime=2026-10-01&$top=2`, headers);
  assert.deepEqual(items.map((i) => i.start.dateTime.slice(8, 13)), ["14T07", "16T07", "18T07", "20T07", "22T07"]);
  await client.api(`/users/${user.id}/events/${items[1].id}`).headers(headers).patch({ subject: "Changed" });
  await client.api(`/users/${user.id}/events/${items[2].id}`).headers(headers).delete();
  const whole = await client.api(`${path}?$expand=exceptionOccurrences&$select=cancelledOccurrences`).headers(headers).get();
  assert.deepEqual(whole.exceptionOccurrences.map((e) => e.subject), ["Changed"]);
  assert.deepEqual(whole.cancelledOccurrences, [`OID.${master.id}.2026-09-18`]);
  await client.api(path).headers(headers).delete();
  const gone = await all(client, round.deltaLink, headers);
  assert.ok(gone.items.length === 2 && gone.items.every((e) => e["@removed"]));
  await client.api(`/users/${user.id}/calendars/${made.id}`).delete();
}

async function drive(client, user) {
  const root = await client.api(`/users/${user.id}/drive/root`).get();
  const driveId = root.parentReference.driveId;
  const content = randomBytes(1_000_001);
  const session = await LargeFileUploadTask.createUploadSession(
    client, `/drives/${driveId}/root:/${encodeURIComponent("Übung #1 100%.bin")}:/createUploadSession`,
    { item: { "@microsoft.graph.conflictBehavior": "fail" } });
  const task = new LargeFileUploadTask(client, new FileUpload(content, "Übung #1 100%.bin", content.length), session,
    { rangeSize: 327680 });
  const uploaded = (await task.upload()).responseBody;
  assert.equal(uploaded.size, content.length);
  assert.equal(uploaded.name, "Übung #1 100%.bin");

  const stream = await client.api(`/drives/${driveId}/items/${uploaded.id}/content`).getStream();
  assert.ok((await bytesOf(stream)).equals(content));
  const item = await client.api(`/drives/${driveId}/items/${uploaded.id}`).get();
  const part = await fetch(item["@microsoft.graph.downloadUrl"], { headers: { Range: "bytes=10-19" } });
  assert.equal(part.status, 206);
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(content.subarray(10, 20)));

  const round = await all(client, `/drives/${driveId}/root/delta`);
  assert.ok(round.items.some((i) => i.root) && round.items.some((i) => i.id === uploaded.id));
  await client.api(`/drives/${driveId}/items/${uploaded.id}`).delete();
  const after = await all(client, round.deltaLink);
  assert.deepEqual(after.items.map((i) => [i.id, i.deleted.state]), [[uploaded.id, "deleted"]]);
}

async function batch(client, user) {
  const content = new BatchRequestContent([
    { id: "1", request: new Request(`${base}/users/${user.id}`, { method: "GET" }) },
    { id: "2", request: new Request(`${base}/users/nobody`, { method: "GET" }) }]);
  const answer = await client.api("/$batch").post(await content.getContent());
  const status = Object.fromEntries(answer.responses.map((r) => [r.id, r.status]));
  assert.deepEqual(status, { 1: 200, 2: 404 });
}

const client = clientFor(new ClientSecretCredential(tenant, clientId, secret, options));
const users = await all(client, "/users?$top=1&$select=id,userPrincipalName");
assert.equal(users.items.length, 2);
const user = users.items.find((u) => u.userPrincipalName === "ada@contoso.example");
await mail(client, user);
await contacts(client, user);
await calendars(client, user);
await drive(client, user);
await batch(client, user);
await assert.rejects(client.api("/users/nobody").get(), (e) => e.statusCode === 404 && e.code === "Request_ResourceNotFound");

const wrong = clientFor(new ClientSecretCredential(tenant, clientId, "wrong", options));
await assert.rejects(wrong.api("/users").get(), /AADSTS7000215/);
const signed = clientFor(new ClientCertificateCredential(tenant, clientId, certificate, options));
assert.equal((await signed.api("/users").get()).value.length, 2);
console.log("Microsoft's clients are served");
