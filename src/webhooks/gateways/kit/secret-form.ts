import type { SecretForm } from '../adapter.ts'

/** A secret made of 32 bytes, in the form that its gateway uses; '' where it uses none. */
export function secretFrom(bytes: Buffer, form: SecretForm): string {
  switch (form) {
    case 'text':
      return bytes.toString('base64url')
    case 'hex':
      return bytes.toString('hex')
    case 'whsec':
      return `whsec_${bytes.toString('base64')}`
    case 'pair':
      return `${bytes.subarray(0, 8).toString('hex')}:${bytes.subarray(8).toString('hex')}`
    case 'none':
      return ''
    default:
      return form satisfies never
  }
}

/** The two halves of a `<public>:<private>` secret; null where one of them is missing. */
export function splitPair(secret: string): readonly [publicHalf: string, privateHalf: string] | null {
  const mark = secret.indexOf(':')
  return mark <= 0 || mark === secret.length - 1 ? null : [secret.slice(0, mark), secret.slice(mark + 1)]
}
