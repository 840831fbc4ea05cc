import ipaddr from 'ipaddr.js';

/** Why an address is refused. */
export interface Refusal {
  /** its range, for people: `loopback`, `private`, `metadata` … */
  range: string;
  /** a host that is allowed by name may have it; otherwise the address itself must be named */
  byName: boolean;
}

/** Services that hand out credentials to whoever asks from inside. */
const METADATA = new Set(
  ['169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '192.0.0.192', '168.63.129.16'].map(
    (text) => ipaddr.parse(text).toNormalizedString(),
  ),
);
const BY_NAME = new Set(['loopback', 'private', 'uniqueLocal', 'carrierGradeNat']);

/**
 * Whether an address lies outside the public internet. IPv6 forms that carry an IPv4 address (mapped, NAT64) are judged
 * by that; tunnels to one (6to4, Teredo, IPv4-compatible, IPv4-translated) are refused.
 * @param text an IP address as the system writes it, maybe with a zone; anything else is refused
 */
export function refusalOf(text: string): Refusal | undefined {
  if (!ipaddr.isValid(text)) return { range: 'no address', byName: false };
  return judge(ipaddr.parse(text));
}

function judge(address: ipaddr.IPv4 | ipaddr.IPv6): Refusal | undefined {
  if (METADATA.has(address.toNormalizedString())) return { range: 'metadata', byName: false };
  const range = address.range();
  if (address instanceof ipaddr.IPv6) {
    if (range === 'ipv4Mapped') return judge(address.toIPv4Address());
    // how IPv6-only networks reach IPv4; the local-use prefix 64:ff9b:1::/48 is not among them
    if (address.match(ipaddr.IPv6.parse('64:ff9b::'), 96)) {
      return judge(new ipaddr.IPv4(address.toByteArray().slice(12)));
    }
    // 2000::/3 is all of the global unicast space that was ever given out
    if (range === 'unicast' && !address.match(ipaddr.IPv6.parse('2000::'), 3)) {
      return { range: 'reserved', byName: false };
    }
  }
  return range === 'unicast' ? undefined : { range, byName: BY_NAME.has(range) };
}
