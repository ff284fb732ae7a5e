/** The value of `Authorization` for a user and a password. */
export function basicAuth(user: string | undefined, password: string | undefined): string {
  return `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}`
}
