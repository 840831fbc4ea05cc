import { expect, test } from 'vitest';
import { refusalOf } from '../../../engines/http/address.js';

test.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101'])(
  '%s is public',
  (address) => expect(refusalOf(address)).toBeUndefined(),
);

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.8.9.10', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'carrierGradeNat'],
  ['::1', 'loopback'],
  ['fc00::1', 'uniqueLocal'],
  ['fdab::1', 'uniqueLocal'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:10.0.0.1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
])('%s is %s, and may be allowed by the name of its host', (address, range) =>
  expect(refusalOf(address)).toEqual({ range, byName: true }),
);

test.each([
  ['169.254.169.254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['FD00:0EC2:0::254', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['169.254.1.1', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['fe80::1%eth0', 'linkLocal'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['240.0.0.1', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['2002:7f00:1::', '6to4'],
  ['2002:a9fe:a9fe::', '6to4'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
  ['2001:db8::1', 'reserved'],
  ['::7f00:1', 'reserved'],
  ['::ffff:0:127.0.0.1', 'rfc6145'],
  ['64:ff9b:1::7f00:1', 'rfc6052'],
  ['fec0::1', 'deprecatedSiteLocal'],
  ['', 'no address'],
  ['localhost', 'no address'],
])('%s is %s, and only the address itself can be allowed', (address, range) =>
  expect(refusalOf(address)).toEqual({ range, byName: false }),
);
