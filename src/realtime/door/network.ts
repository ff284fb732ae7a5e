import type { IncomingHttpHeaders } from 'node:http'
import { type AddressRanges, clientAddress, networkOf } from '../../base/addresses.ts'

/**
 * Who shares the limits of an address: an IPv4 address or an IPv6 /64. null: a trusted proxy that names nobody behind it, so that
 * the limit would be one for all. `unknown`: the connection is already gone.
 */
export function clientNetwork(
  peer: string | undefined,
  headers: IncomingHttpHeaders,
  trusted: AddressRanges,
): string | null {
  const forwardedFor = headers['x-forwarded-for']
  const address = clientAddress(
    peer,
    Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor,
    trusted,
  )
  if (address === null) return 'unknown'
  return trusted.has(address) ? null : networkOf(address)
}
