import { boundedFetch, type FetchLimits } from '../base/bounded-fetch.ts'

/** An answer of a host that we called. */
export interface FetchedText {
  readonly status: number
  readonly text: string
}

/** GETs a URL that was vetted by the caller. Follows no redirect; throws when it is slow, too long or unreachable. */
export type FetchText = (url: string, limits: FetchLimits) => Promise<FetchedText>

export const fetchText: FetchText = async (url, limits) => {
  const answer = await boundedFetch(url, { headers: { 'user-agent': 'Onceline' } }, limits)
  if (answer.kind !== 'answered')
    throw new Error(answer.kind === 'unreachable' ? answer.reason : 'no answer in time')
  const { status, body } = answer
  if (body.fault !== null) throw new Error(`the answer ${body.fault}`)
  return { status, text: body.text }
}
