// Drives jsforce, unchanged, and prints what it got as one JSON object.
// Arguments: instance address, consumer key, consumer secret, username.
import { createHash } from "node:crypto";
import jsforce from "jsforce";

const [url, clientId, clientSecret, username] = process.argv.slice(2);
const facts = {};

const conn = new jsforce.Connection({
  instanceUrl: url,
  version: "60.0",
  oauth2: { loginUrl: url, clientId, clientSecret },
});
const info = await conn.authorize({ grant_type: "client_credentials" });
facts.authorized = [info.organizationId, info.id];
facts.identity = (await conn.identity()).username;

const byPassword = new jsforce.Connection({
  version: "60.0",
  oauth2: { loginUrl: url, clientId: "third-party", clientSecret: "not-a-secret-third-party" },
});
await byPassword.login(username, "not-a-password");
facts.passwordAccounts = (await byPassword.query("SELECT COUNT() FROM Account")).totalSize;

const listing = await conn.describeGlobal();
facts.objects = listing.sobjects.map((each) => each.name).sort();
const account = await conn.describe("Account");
facts.accountFields = account.fields.map((each) => each.name).sort();

let result = await conn.query("SELECT Id FROM EmailMessage ORDER BY Id");
facts.mailIds = result.records.map((each) => each.Id);
facts.pages = 1;
while (!result.done) {
  result = await conn.queryMore(result.nextRecordsUrl);
  facts.mailIds.push(...result.records.map((each) => each.Id));
  facts.pages += 1;
}
try {
  await conn.query("SELECT Nonsense__c FROM Contact");
} catch (error) {
  facts.refused = error.errorCode;
}

// One page: the library turns the header of every later page into a record.
conn.bulk2.pollInterval = 200;
conn.bulk2.pollTimeout = 60000;
const stream = await conn.bulk2.query("SELECT Id, LastName, Email FROM Contact");
facts.bulk = await stream.toArray();

const version = await conn.query(
  "SELECT Id, Checksum, ContentSize FROM ContentVersion WHERE ContentSize > 0 ORDER BY Id LIMIT 1",
);
const { Id, Checksum, ContentSize } = version.records[0];
const hash = createHash("md5");
let size = 0;
const blob = conn.sobject("ContentVersion").record(Id).blob("VersionData");
for await (const chunk of blob) {
  hash.update(chunk);
  size += chunk.length;
}
facts.blob = { md5: hash.digest("hex"), checksum: Checksum, sizes: [size, ContentSize] };

const one = await conn.query("SELECT Id FROM Account ORDER BY Id LIMIT 1");
const record = await conn.sobject("Account").retrieve(one.records[0].Id);
facts.account = [one.records[0].Id, record.Id, record.Name];

const token = conn.accessToken;
await conn.logout();
try {
  const dead = new jsforce.Connection({ instanceUrl: url, accessToken: token, version: "60.0" });
  await dead.query("SELECT Id FROM Account");
} catch (error) {
  facts.afterLogout = error.errorCode;
}
console.log(JSON.stringify(facts));
