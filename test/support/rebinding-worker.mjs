// The real worker in a network whose name server changes its mind: MILLRACE_TEST_NAMES is JSON of names and the addresses
// that they have, one for each look, the last one from then on.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

const names = JSON.parse(process.env.MILLRACE_TEST_NAMES ?? '{}');
const { lookup } = dns;
dns.lookup = (host, options, done) => {
  const addresses = names[host];
  if (!addresses) return lookup(host, options, done);
  const address = addresses.length > 1 ? addresses.shift() : addresses[0];
  process.nextTick(done, null, [{ address, family: address.includes(':') ? 6 : 4 }]);
};
syncBuiltinESMExports();

const main = new URL('../../dist/workers/main.js', import.meta.url);
process.argv[1] = fileURLToPath(main);
await import(main.href);
