import { isOwnName } from '../../base/near.ts'

/** May a page of this origin talk to us? `undefined`: no browser says where it comes from, and none is needed. */
export type OriginRule = (origin: string | undefined) => boolean

/**
 * The pages of these origins, as WS_CORS_ORIGIN lists them; `*` stands for all. An Origin header keeps other sites' pages
 * from acting in a browser: whoever is no browser sends none, or what he likes, and is let in by his token alone. Browsers
 * write scheme and host in lower case and leave the usual port out, so the list is read in the same way. With
 * `allowsThisMachine`, for development, pages of this very machine need no entry.
 */
export function originRule(allowed: readonly string[], allowsThisMachine = false): OriginRule {
  if (allowed.includes('*')) return () => true
  const origins = new Set(allowed.map(canonicalOrigin))
  return (origin) =>
    origin === undefined || origins.has(origin) || (allowsThisMachine && isOfThisMachine(origin))
}

function isOfThisMachine(origin: string): boolean {
  return /^https?:\/\//.test(origin) && isOwnName(URL.parse(origin)?.host)
}

/** App schemes such as `capacitor://localhost` are no special ones: URL knows no origin of theirs. */
function canonicalOrigin(text: string): string {
  const origin = URL.parse(text)?.origin ?? 'null'
  return origin === 'null' ? text.toLowerCase() : origin
}
