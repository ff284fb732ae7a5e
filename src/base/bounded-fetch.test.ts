import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { boundedFetch } from './bounded-fetch.ts'

const LIMITS = { timeoutMs: 5_000, maxBytes: 64 }
let server: Server
let url: string
let answer: RequestListener
let seen: { method: string | undefined; url: string | undefined; body: string }[]

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, body: Buffer.concat(parts).toString() })
      answer(request, response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  seen = []
  answer = (_, response) => response.end('well')
})

describe('an answer', () => {
  it('comes with its status, its headers and its body', async () => {
    answer = (_, response) => response.writeHead(418, { 'retry-after': '7' }).end('x'.repeat(64))
    const got = await boundedFetch(`${url}/a?b=1`, { method: 'POST', body: 'c' }, LIMITS)
    expect(got).toMatchObject({ kind: 'answered', status: 418, body: { text: 'x'.repeat(64), fault: null } })
    expect(got.kind === 'answered' && got.headers.get('retry-after')).toBe('7')
    expect(seen).toEqual([{ method: 'POST', url: '/a?b=1', body: 'c' }])
  })

  it.each([301, 302, 307, 308])('may be a redirection (%i), which is not followed', async (status) => {
    answer = (_, response) => response.writeHead(status, { location: '/elsewhere' }).end()
    expect(await boundedFetch(url, {}, LIMITS)).toMatchObject({ kind: 'answered', status })
    expect(seen).toHaveLength(1)
  })

  it('is read so far as it may be, and cut off there', async () => {
    let closed: Promise<unknown> | undefined
    answer = (_, response) => {
      closed = once(response, 'close')
      response.write('x'.repeat(65))
    }
    const { body } = (await boundedFetch(url, {}, LIMITS)) as { body: unknown }
    expect(body).toEqual({ text: 'x'.repeat(64), fault: 'is longer than 64 bytes' })
    await closed
  })

  it.each<[string, RequestListener, RegExp]>([
    [
      'breaks off',
      (_, response) => response.write('x', () => response.destroy()),
      /^broke off: UND_ERR_SOCKET/,
    ],
    ['never ends', (_, response) => response.write('x'), /^did not end in time$/],
  ])('whose body %s keeps what its head says', async (_, listener, fault) => {
    answer = listener
    expect(await boundedFetch(url, {}, { timeoutMs: 300, maxBytes: 64 })).toMatchObject({
      kind: 'answered',
      status: 200,
      body: { text: '', fault: expect.stringMatching(fault) },
    })
  })

  it('whose body nobody wants keeps no connection', async () => {
    let closed: Promise<unknown> | undefined
    answer = (_, response) => {
      closed = once(response, 'close')
      response.writeHead(500).write('x'.repeat(1024))
    }
    const got = await boundedFetch(url, { reads: (status) => status < 500 }, LIMITS)
    expect(got).toMatchObject({ status: 500, body: { text: '', fault: 'was not read' } })
    await closed
  })
})

describe('no answer', () => {
  it('is waited for as long as it may take, or until nobody waits any more', async () => {
    answer = () => undefined
    expect(await boundedFetch(url, {}, { timeoutMs: 100, maxBytes: 64 })).toEqual({ kind: 'timed_out' })
    const ending = new AbortController()
    const waiting = boundedFetch(url, { interrupt: ending.signal }, LIMITS)
    await expect.poll(() => seen.length).toBe(2)
    ending.abort()
    expect(await waiting).toEqual({ kind: 'interrupted' })
  })

  it.each([
    ['http://127.0.0.1:9/hush?token=hush', /^(ECONNREFUSED|bad port)/],
    ['http://localhost:9/hush?token=hush', /^(ECONNREFUSED|bad port)/],
    ['http://nobody.invalid/hush?token=hush', /^(ENOTFOUND|EAI_AGAIN): getaddrinfo \w+ nobody\.invalid$/],
    ['hush://nobody.invalid/hush?token=hush', /^unknown scheme$/],
    ['https://hush:hush@nobody.invalid/', /^no such request can be made$/],
    ['no address: hush', /^ERR_INVALID_URL: Invalid URL$/],
  ])('says what is the matter, and nothing that was asked: %s', async (address, reason) => {
    const got = await boundedFetch(address, { headers: { authorization: 'hush' } }, LIMITS)
    expect(got).toEqual({ kind: 'unreachable', reason: expect.stringMatching(reason) })
    expect(JSON.stringify(got)).not.toContain('hush')
  })

  it('does not quote a header that cannot be sent', async () => {
    const got = await boundedFetch(url, { headers: { authorization: 'hush\n' + 'hush' } }, LIMITS)
    expect(got).toEqual({ kind: 'unreachable', reason: 'no such request can be made' })
  })
})
