// Drives the writing side of jsforce, unchanged, and prints what it reports as one JSON object.
// Arguments: instance address, consumer key, consumer secret.
import jsforce from "jsforce";

const [url, clientId, clientSecret] = process.argv.slice(2);
const facts = {};
const conn = new jsforce.Connection({
  instanceUrl: url,
  version: "60.0",
  oauth2: { loginUrl: url, clientId, clientSecret },
});
await conn.authorize({ grant_type: "client_credentials" });
const accounts = conn.sobject("Account");

facts.created = await accounts.create({ Name: "Referee One", Customer_Number__c: "JS-1" });
const key = "Customer_Number__c";
facts.upserts = [
  await accounts.upsert({ Customer_Number__c: "JS-1", Name: "Referee Renamed" }, key),
  await accounts.upsert({ Customer_Number__c: "JS-2", Name: "Referee Two" }, key),
];
facts.updated = await accounts.update({ Id: facts.created.id, Phone: "+32 9 0170017" });
const got = await accounts.retrieve(facts.created.id);
facts.got = [got.Id, got.Name, got.Phone];
try {
  await accounts.create({ Phone: "1" });
} catch (error) {
  facts.refused = [error.errorCode, error.message, error.data];
}
facts.collection = await accounts.create(
  [{ Name: "Together 0" }, { Phone: "1" }, { Name: "Together 2" }],
  { allOrNone: false },
);
facts.collectionUpdate = await accounts.update([
  { Id: facts.collection[0].id, Name: "Together renamed" },
]);
facts.deleted = await accounts.destroy(facts.upserts[1].id);

// The recycle bin by SOAP: a parent with its child goes, comes back, and goes for good.
const contact = await conn.sobject("Contact").create({
  LastName: "Referee",
  AccountId: facts.created.id,
});
await accounts.destroy(facts.created.id);
facts.childGone = (await conn.query(`SELECT Id FROM Contact WHERE Id = '${contact.id}'`)).totalSize;
facts.undeleted = await conn.soap.undelete([facts.created.id, contact.id]);
facts.childBack = (await conn.query(`SELECT Id FROM Contact WHERE Id = '${contact.id}'`)).totalSize;
facts.contact = contact.id;
facts.soapDeleted = await conn.soap.delete([facts.created.id]);
facts.emptied = await conn.soap.emptyRecycleBin([facts.created.id]);
facts.emptiedAgain = await conn.soap.emptyRecycleBin([facts.created.id]);

// A merge by SOAP: the child moves, the master takes a value, and a second merge is refused.
const [kept, double] = await accounts.create([{ Name: "Kept" }, { Name: "Double" }]);
const child = await conn.sobject("Contact").create({ LastName: "Moved", AccountId: double.id });
const merge = {
  masterRecord: { type: "Account", Id: kept.id, Phone: "+32 9 0170018" },
  recordToMergeIds: [double.id],
};
facts.merged = await conn.soap.merge(merge);
facts.mergedAgain = await conn.soap.merge([merge]);
facts.mergedIds = [kept.id, double.id, child.id];
facts.mergedChild = (await conn.sobject("Contact").retrieve(child.id)).AccountId;

conn.bulk2.pollInterval = 200;
conn.bulk2.pollTimeout = 60000;
const rows = [];
for (let n = 0; n < 450; n += 1) {
  rows.push({ Name: n === 7 ? "" : `Bulk ${n}`, Customer_Number__c: `JB-${n}`, Description: `"${n}"\n` });
}
const load = async (operation, input, more) =>
  conn.bulk2.loadAndWaitForResults({ object: "Account", operation, input, ...more });
facts.inserted = await load("insert", rows);
const ids = Object.fromEntries(
  facts.inserted.successfulResults.map((each) => [each.Customer_Number__c, each.sf__Id]),
);
facts.bulkUpserted = await load(
  "upsert",
  [
    { Customer_Number__c: "JB-0", Name: "Bulk renamed" },
    { Customer_Number__c: "JB-NEW", Name: "Bulk fresh" },
  ],
  { externalIdFieldName: key },
);
facts.bulkUpdated = await load("update", [{ Id: ids["JB-1"], Name: "Bulk updated" }]);
facts.bulkDeleted = await load("delete", [{ Id: ids["JB-3"] }, { Id: ids["JB-4"] }]);
facts.ids = ids;
console.log(JSON.stringify(facts));
