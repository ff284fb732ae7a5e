import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import type { TokenUser } from './token.ts'

/**
 * A token as Laravel issues it, for development and for a person at the command line: HS256 over the very characters of the
 * secret, the user as `sub`, whole seconds. Onceline itself logs nobody in.
 */
export function mintToken(secret: string, { userId, userType, expiresAtMs }: TokenUser): Promise<string> {
  return new SignJWT({ user_type: userType })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(Math.floor(expiresAtMs / 1_000))
    .sign(createSecretKey(secret, 'utf8'))
}
