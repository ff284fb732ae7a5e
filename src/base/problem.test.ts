import { describe, expect, it } from 'vitest'
import { problem } from './problem.ts'

const refusal = {
  status: 401,
  code: 'signature_invalid',
  detail: 'No active secret matches.',
  requestId: 'r-1',
}

describe('problem', () => {
  it('is an RFC 9457 document with a code and the request id', async () => {
    const response = problem(refusal)
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      type: 'urn:onceline:problem:signature_invalid',
      title: 'Unauthorized',
      status: 401,
      detail: 'No active secret matches.',
      code: 'signature_invalid',
      requestId: 'r-1',
    })
  })

  it('carries a title of its own, headers and extension members', async () => {
    const response = problem({
      ...refusal,
      status: 503,
      title: 'Database away',
      headers: { 'retry-after': '2' },
      unknownFields: ['a'],
    })
    expect(response.headers.get('retry-after')).toBe('2')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ title: 'Database away', unknownFields: ['a'], status: 503 })
  })

  it('lets neither an extension nor a header take the place of a standard member', async () => {
    const response = problem({ ...refusal, type: 'about:blank', headers: { 'content-type': 'text/html' } })
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ type: 'urn:onceline:problem:signature_invalid' })
  })
})
