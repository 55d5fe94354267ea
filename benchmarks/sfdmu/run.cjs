// The peer: SFDMU's command `sfdmu:run`, unchanged, without the command line program around it.
const path = require("path");
const { load } = require("@oclif/config");

async function main() {
  const config = await load(path.dirname(require.resolve("sfdmu/package.json")));
  await config.runCommand("sfdmu:run", process.argv.slice(2));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
